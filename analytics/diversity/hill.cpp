#include "analytics/diversity/hill.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <map>

#include "analytics/diversity/internal/draws.h"

namespace casebox::analytics::diversity {
namespace {

/// How many variants were seen how often.
std::map<uint32_t, double> frequencies(const Counts& counts) {
  std::map<uint32_t, double> out;
  for (const uint32_t count : counts) ++out[count];
  return out;
}

double of(const std::map<uint32_t, double>& f, uint32_t times) {
  const auto found = f.find(times);
  return found == f.end() ? 0 : found->second;
}

double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

/// The largest size estimates are given for. One case says nothing about the next.
uint64_t reach(uint64_t n) { return n < 2 ? n : 2 * n; }

/// 1 - A of Chao & Jost: what the share of variants seen once shrinks by with one case more.
double shrink(double n, double f1, double f2) {
  if (f1 == 0) return 0;
  if (f2 > 0) return (n - 1) * f1 / ((n - 1) * f1 + 2 * f2);
  return (n - 1) * (f1 - 1) / ((n - 1) * (f1 - 1) + 2);
}

/// Variants not seen yet, at least (Chao 1984).
double unseen(double n, double f1, double f2) {
  return (n - 1) / n * (f2 > 0 ? f1 * f1 / (2 * f2) : f1 * (f1 - 1) / 2);
}

/// Entropy of the whole practice (Chao, Wang & Jost 2013).
double whole_entropy(const std::map<uint32_t, double>& f, double n) {
  double sum = 0;
  for (const auto& [x, times] : f)
    if (x < n) sum += times * x / n * (boost::math::digamma(n) - boost::math::digamma(double(x)));
  const double f1 = of(f, 1), keep = shrink(n, f1, of(f, 2));
  if (f1 == 0 || keep == 0) return sum;
  const double a = 1 - keep;
  double rest = -std::log(a), power = 1;
  for (double r = 1; r < n; ++r) {
    power *= keep;
    rest -= power / r;
  }
  return sum + f1 / n * std::pow(keep, 1 - n) * std::max(0.0, rest);
}

Hill rarefied(const std::map<uint32_t, double>& f, double n, double m) {
  Hill out;
  double entropy = 0, pairs = 0;
  for (const auto& [count, times] : f) {
    const double x = count;
    const double none = n - x >= m ? std::exp(log_choose(n - x, m) - log_choose(n, m)) : 0;
    out.q0 += times * (1 - none);
    pairs += times * x * (x - 1);
    for (double k = std::max(1.0, m - (n - x)); k <= std::min(x, m); ++k) {
      const double p = std::exp(log_choose(x, k) + log_choose(n - x, m - k) - log_choose(n, m));
      entropy -= times * p * k / m * std::log(k / m);
    }
  }
  out.q1 = std::exp(entropy);
  out.q2 = 1 / (1 / m + (n > 1 ? (m - 1) / m * pairs / (n * (n - 1)) : 0));
  return out;
}

Hill extrapolated(const Counts& counts, const std::map<uint32_t, double>& f, double n, double m) {
  const Hill seen = hill_numbers(counts);
  const double f1 = of(f, 1), f2 = of(f, 2), f0 = unseen(n, f1, f2);
  Hill out = rarefied(f, n, m);  // q2's formula holds for any size
  out.q0 = seen.q0;
  if (f0 > 0) out.q0 += f0 * (1 - std::pow(1 - f1 / (n * f0 + f1), m - n));
  out.q1 = std::exp(n / m * std::log(seen.q1) + (m - n) / m * whole_entropy(f, n));
  return out;
}

/// Shares of the variants of the whole practice as the sample lets us guess: those seen made
/// smaller, those unseen all alike (Chao et al. 2014, appendix G).
std::vector<double> community(const Counts& counts) {
  const auto f = frequencies(counts);
  const auto n = static_cast<double>(sample_size(counts));
  const double missing = 1 - sample_coverage(counts);
  const double hidden = std::ceil(unseen(n, of(f, 1), of(f, 2)));
  double weight = 0;
  for (const uint32_t x : counts) weight += x / n * std::pow(1 - x / n, n);
  const double scale = weight > 0 && hidden > 0 ? missing / weight : 0;
  std::vector<double> out;
  for (const uint32_t x : counts) out.push_back(x / n * (1 - scale * std::pow(1 - x / n, n)));
  for (double i = 0; i < hidden; ++i) out.push_back(missing / hidden);
  return out;
}

}  // namespace

uint64_t sample_size(const Counts& counts) {
  uint64_t n = 0;
  for (const uint32_t count : counts) n += count;
  return n;
}

Hill hill_numbers(const Counts& counts) {
  const auto n = static_cast<double>(sample_size(counts));
  if (n == 0) return {};
  double entropy = 0, simpson = 0;
  // By count, so that the order of the variants does not change the last digit.
  for (const auto& [count, times] : frequencies(counts)) {
    const double p = count / n;
    entropy -= times * p * std::log(p);
    simpson += times * p * p;
  }
  return {static_cast<double>(counts.size()), std::exp(entropy), 1 / simpson};
}

double sample_coverage(const Counts& counts) {
  const uint64_t n = sample_size(counts);
  return n == 0 ? 0 : *coverage_at(counts, n);
}

std::optional<Hill> hill_at(const Counts& counts, uint64_t size) {
  const uint64_t n = sample_size(counts);
  if (size == 0 || size > reach(n)) return std::nullopt;
  if (size == n) return hill_numbers(counts);
  const auto f = frequencies(counts);
  const auto total = static_cast<double>(n), m = static_cast<double>(size);
  return size < n ? rarefied(f, total, m) : extrapolated(counts, f, total, m);
}

std::optional<double> coverage_at(const Counts& counts, uint64_t size) {
  const uint64_t n = sample_size(counts);
  if (size == 0 || size > reach(n)) return std::nullopt;
  const auto f = frequencies(counts);
  const auto total = static_cast<double>(n), m = static_cast<double>(size);
  if (size >= n) {
    const double f1 = of(f, 1);
    if (total == 1) return 0;  // one case says nothing about the rest
    return 1 - f1 / total * std::pow(shrink(total, f1, of(f, 2)), m - total + 1);
  }
  double missing = 0;
  for (const auto& [count, times] : f) {
    const double x = count;
    if (total - x >= m)
      missing += times * x / total * std::exp(log_choose(total - x, m) - log_choose(total - 1, m));
  }
  return 1 - missing;
}

std::optional<uint64_t> size_for_coverage(const Counts& counts, double coverage) {
  uint64_t low = 1, high = reach(sample_size(counts));
  if (high == 0 || *coverage_at(counts, high) < coverage) return std::nullopt;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (*coverage_at(counts, middle) >= coverage)
      high = middle;
    else
      low = middle + 1;
  }
  return high;
}

std::optional<HillInterval> hill_interval(const Counts& counts, uint64_t size, double level,
                                          size_t replicates, uint64_t seed) {
  const auto at = hill_at(counts, size);
  if (!at || replicates < 2) return std::nullopt;
  Counts sorted = counts;
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> cumulative = community(sorted);
  for (size_t i = 1; i < cumulative.size(); ++i) cumulative[i] += cumulative[i - 1];
  std::mt19937_64 random(seed);
  const uint64_t n = sample_size(counts);
  std::vector<Hill> drawn;
  for (size_t r = 0; r < replicates; ++r) {
    std::vector<uint32_t> times(cumulative.size(), 0);
    for (uint64_t i = 0; i < n; ++i) {
      const double u = internal::unit_draw(random) * cumulative.back();
      ++times[static_cast<size_t>(std::lower_bound(cumulative.begin(), cumulative.end() - 1, u) -
                                  cumulative.begin())];
    }
    std::erase(times, 0u);
    drawn.push_back(*hill_at(times, size));
  }
  const double z = boost::math::quantile(boost::math::normal(), .5 + level / 2);
  HillInterval out;
  for (double Hill::*q : {&Hill::q0, &Hill::q1, &Hill::q2}) {
    double mean = 0, squares = 0;
    for (const Hill& hill : drawn) mean += hill.*q / static_cast<double>(drawn.size());
    for (const Hill& hill : drawn) squares += (hill.*q - mean) * (hill.*q - mean);
    const double half = z * std::sqrt(squares / static_cast<double>(drawn.size() - 1));
    out.low.*q = std::max(1.0, *at.*q - half);
    out.high.*q = *at.*q + half;
  }
  return out;
}

}  // namespace casebox::analytics::diversity
