#pragma once

// Location and spread of a small sample, without assuming a distribution.
//
// Hodges-Lehmann: the median of all Walsh averages (x_i + x_j) / 2, i <= j; its interval inverts
// the Wilcoxon signed-rank test (Hollander, Wolfe & Chicken, Nonparametric Statistical
// Methods, 3.2-3.3) and holds for symmetric distributions: durations are nearer to that on the log
// scale, so both are given. The median's interval inverts the sign test and holds for any.
//
// Thread safety: pure functions. Errors: none; what a sample is too small for is absent.

#include <cstdint>
#include <optional>
#include <vector>

namespace casebox::analytics::timing {

struct Interval {
  double low = 0;
  double high = 0;
};

double median(std::vector<double> values);  // 0 of none
/// Of each `group` values that follow one another; the last ones that fill none are left out.
std::vector<double> medians_of(const std::vector<double>& values, size_t group);
/// Median absolute deviation from the median, not rescaled.
double mad(const std::vector<double>& values);
double mean(const std::vector<double>& values);

struct HodgesLehmann {
  double estimate = 0;
  std::optional<Interval> interval;  // absent when no interval of the level exists (n < 6 at 95 %)
};

/// Point estimate and interval of confidence at least `level`. Above `exact_up_to` values the
/// signed-rank distribution is replaced by its normal approximation with continuity correction.
HodgesLehmann hodges_lehmann(const std::vector<double>& values, double level = 0.95,
                             size_t exact_up_to = 200);

/// Order statistics around the median with a coverage of at least `level`; absent when n < 6 at 95
/// %.
std::optional<Interval> median_interval(std::vector<double> values, double level = 0.95);

/// Largest k with P(W <= k - 1) <= tail under the signed-rank null of n values; 0: none.
uint64_t signed_rank_rank(size_t n, double tail, size_t exact_up_to = 200);

}  // namespace casebox::analytics::timing
