#pragma once

// Is practice narrowing? Diversity in windows of equally many consecutive cases, so that size does
// not differ, and whether it goes down or up over calendar time.
//
// Statistic: slope of log diversity (Hill number of order 1, or the similarity-sensitive one) over
// the windows, by least squares. Test: cases are dealt anew to the windows many times; without a
// change every dealing is as likely, so the p-value is exact (two-sided, observed dealing
// counted). Interval of the slope: +- z standard errors by the jackknife within windows (Efron &
// Tibshirani, An Introduction to the Bootstrap, chapter 11). An answer other than
// no_change_detected needs both: p at most 1 - level, and an interval that does not hold 0. It
// therefore errs at most as often as the test does.
//
// no_change_detected is not "no change": a small one may have been missed. cannot_say when the
// data cannot answer at all, with the reasons.
//
// Thread safety: pure functions. The same cases, in any order, and seed give the same result.
// Errors: none.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analytics/diversity/hill.h"
#include "analytics/diversity/variants.h"

namespace casebox::analytics::diversity {

struct DatedCase {
  std::string key;  // breaks ties of time
  std::optional<int64_t> wall_start_ns;
  uint32_t variant = 0;
};

enum class Direction { kNarrowing, kWidening, kNoChangeDetected, kCannotSay };
const char* to_string(Direction direction);

struct TrendOptions {
  size_t window = 20;   // cases in each; at least kMinimumWindowCases
  double level = 0.95;  // in (0, 1)
  size_t permutations = 999;
  uint64_t seed = 1;
};

constexpr size_t kMinimumWindowCases = 10;
constexpr size_t kMinimumWindows = 3;

struct TrendWindow {
  int64_t from_ns = 0, to_ns = 0;  // start of the first and last case, UTC
  Counts counts;                   // of each variant of the whole, zeros too
  Hill hill;
  double coverage = 0;
  double diversity = 0;  // that the slope is of
};

struct Trend {
  Direction direction = Direction::kCannotSay;
  std::vector<std::string> reasons;  // one at least: what was found, or why nothing can be said
  std::vector<std::string> notices;
  std::vector<TrendWindow> windows;
  std::optional<double> slope, low, high;  // of log diversity, per window
  std::optional<double> p;
  size_t undated = 0;    // cases without a date
  size_t left_over = 0;  // oldest cases that fill no window
  /// Last window's diversity over the first's, by the slope; with its interval.
  std::optional<double> ratio, ratio_low, ratio_high;
};

/// `similarity`: null counts variants; else of all variants by their number.
Trend diversity_trend(const std::vector<DatedCase>& cases, const TrendOptions& options = {},
                      const Similarity* similarity = nullptr);

}  // namespace casebox::analytics::diversity
