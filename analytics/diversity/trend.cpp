#include "analytics/diversity/trend.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <tuple>

#include "analytics/diversity/internal/draws.h"

namespace casebox::analytics::diversity {
namespace {

constexpr double kSame = 1e-12;  // slopes that differ by less are ties

/// Dealt cases to slopes; holds the scratch that thousands of dealings share.
class Slopes {
 public:
  Slopes(size_t variants, size_t window, const Similarity* similarity)
      : counts_(variants, 0), window_(window), similarity_(similarity) {}

  double diversity(const uint32_t* cases) {
    count(cases);
    return diversity();
  }

  /// Standard error of the slope: each window's log diversity with one case left out, for each
  /// case.
  double jackknife_error(const std::vector<uint32_t>& cases) {
    const size_t windows = cases.size() / window_;
    const auto n = static_cast<double>(window_);
    const double middle = (static_cast<double>(windows) - 1) / 2;
    double variance = 0, down = 0;
    for (size_t w = 0; w < windows; ++w) {
      count(cases.data() + w * window_);
      double sum = 0, squares = 0;
      for (uint32_t& times : counts_) {
        if (times == 0) continue;
        const double alike = times;  // leaving out any of them gives the same
        --times;
        const double without = std::log(diversity());
        ++times;
        sum += alike * without;
        squares += alike * without * without;
      }
      const double x = static_cast<double>(w) - middle;
      variance += x * x * (n - 1) / n * std::max(0.0, squares - sum * sum / n);
      down += x * x;
    }
    return std::sqrt(variance) / down;
  }

  double slope(const std::vector<uint32_t>& cases) {
    const size_t windows = cases.size() / window_;
    const double middle = (static_cast<double>(windows) - 1) / 2;
    double up = 0, down = 0;
    for (size_t w = 0; w < windows; ++w) {
      const double x = static_cast<double>(w) - middle;
      up += x * std::log(diversity(cases.data() + w * window_));
      down += x * x;
    }
    return up / down;
  }

  const Counts& counts() const { return counts_; }

 private:
  void count(const uint32_t* cases) {
    std::fill(counts_.begin(), counts_.end(), 0);
    for (size_t i = 0; i < window_; ++i) ++counts_[cases[i]];
  }

  /// Of what is counted now.
  double diversity() const {
    if (similarity_ != nullptr) return similarity_sensitive(counts_, *similarity_).q1;
    double entropy = 0;
    const auto n = static_cast<double>(sample_size(counts_));
    for (const uint32_t times : counts_)
      if (times > 0) entropy -= times / n * std::log(times / n);
    return std::exp(entropy);
  }

  Counts counts_;
  size_t window_;
  const Similarity* similarity_;
};

double permutation_p(Slopes& slopes, std::vector<uint32_t> cases, double slope,
                     const TrendOptions& options) {
  std::mt19937_64 random(options.seed);
  size_t as_far = 1;
  for (size_t i = 0; i < options.permutations; ++i) {
    internal::shuffle(cases, random);
    as_far += std::abs(slopes.slope(cases)) >= std::abs(slope) - kSame;
  }
  return static_cast<double>(as_far) / static_cast<double>(options.permutations + 1);
}

std::vector<const DatedCase*> in_time_order(const std::vector<DatedCase>& cases) {
  std::vector<const DatedCase*> out;
  for (const DatedCase& one : cases)
    if (one.wall_start_ns) out.push_back(&one);
  std::sort(out.begin(), out.end(), [](const DatedCase* a, const DatedCase* b) {
    return std::tie(*a->wall_start_ns, a->key, a->variant) <
           std::tie(*b->wall_start_ns, b->key, b->variant);
  });
  return out;
}

/// Why the question cannot be answered; empty: it can.
std::string obstacle(size_t cases, const Trend& trend, size_t windows,
                     const TrendOptions& options) {
  if (cases == 0) return "there are no cases";
  if (trend.undated == cases) return "these files carry no dates";
  if (options.window < kMinimumWindowCases)
    return fmt::format("windows of {} cases; at least {} in each are needed", options.window,
                       kMinimumWindowCases);
  if (windows < kMinimumWindows)
    return fmt::format("{} dated cases make {} windows of {}; at least {} windows are needed",
                       cases - trend.undated, windows, options.window, kMinimumWindows);
  return "";
}

void describe(Trend& trend, double level) {
  const double alpha = 1 - level;
  const bool moved = *trend.p <= alpha + kSame && (*trend.low > 0 || *trend.high < 0);
  const auto span = fmt::format(
      "diversity of the last window is {:.2f} times that of the first (interval {:.2f} to {:.2f}), "
      "p {:.3f}",
      *trend.ratio, *trend.ratio_low, *trend.ratio_high, *trend.p);
  if (!moved) {
    trend.direction = Direction::kNoChangeDetected;
    trend.reasons = {span, "a change within the interval may have been missed"};
    return;
  }
  trend.direction = *trend.slope < 0 ? Direction::kNarrowing : Direction::kWidening;
  trend.reasons = {span};
}

}  // namespace

const char* to_string(Direction direction) {
  switch (direction) {
    case Direction::kNarrowing: return "narrowing";
    case Direction::kWidening: return "widening";
    case Direction::kNoChangeDetected: return "no_change_detected";
    case Direction::kCannotSay: return "cannot_say";
  }
  return "";
}

Trend diversity_trend(const std::vector<DatedCase>& cases, const TrendOptions& options,
                      const Similarity* similarity) {
  Trend out;
  const auto dated = in_time_order(cases);
  out.undated = cases.size() - dated.size();
  const size_t windows = options.window == 0 ? 0 : dated.size() / options.window;
  if (const std::string why = obstacle(cases.size(), out, windows, options); !why.empty()) {
    out.reasons.push_back(why);
    return out;
  }
  // The newest cases fill the windows; what is left over are the oldest.
  out.left_over = dated.size() - windows * options.window;
  std::vector<uint32_t> variants;
  uint32_t most = 0;
  for (size_t i = out.left_over; i < dated.size(); ++i) {
    variants.push_back(dated[i]->variant);
    most = std::max(most, dated[i]->variant);
  }
  Slopes slopes(size_t{most} + 1, options.window, similarity);
  bool all_different = true;
  for (size_t w = 0; w < windows; ++w) {
    TrendWindow& window = out.windows.emplace_back();
    const size_t first = w * options.window;
    window.from_ns = *dated[out.left_over + first]->wall_start_ns;
    window.to_ns = *dated[out.left_over + first + options.window - 1]->wall_start_ns;
    window.diversity = slopes.diversity(variants.data() + first);
    window.counts = slopes.counts();
    Counts seen = window.counts;
    std::erase(seen, 0u);
    window.hill = hill_numbers(seen);
    window.coverage = sample_coverage(seen);
    all_different = all_different && seen.size() == options.window;
  }
  if (out.undated > 0)
    out.notices.push_back(fmt::format("{} cases without a date are left out", out.undated));
  if (out.left_over > 0)
    out.notices.push_back(
        fmt::format("the {} oldest cases fill no window and are left out", out.left_over));
  if (all_different && similarity == nullptr) {
    out.reasons.push_back(
        "no two cases of a window are alike: counted by variants, diversity cannot be seen to "
        "rise, "
        "nor to fall by less than repeats appear");
    return out;
  }
  out.slope = slopes.slope(variants);
  out.p = permutation_p(slopes, variants, *out.slope, options);
  const double half = boost::math::quantile(boost::math::normal(), .5 + options.level / 2) *
                      slopes.jackknife_error(variants);
  out.low = *out.slope - half;
  out.high = *out.slope + half;
  const auto steps = static_cast<double>(windows - 1);
  out.ratio = std::exp(*out.slope * steps);
  out.ratio_low = std::exp(*out.low * steps);
  out.ratio_high = std::exp(*out.high * steps);
  describe(out, options.level);
  return out;
}

}  // namespace casebox::analytics::diversity
