#include "analytics/timing/robust.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace casebox::analytics::timing {
namespace {

double nth(std::vector<double>& values, size_t n) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n), values.end());
  return values[n];
}

double median_in_place(std::vector<double>& values) {
  if (values.empty()) return 0;
  const size_t half = values.size() / 2;
  const double upper = nth(values, half);
  return values.size() % 2 == 1 ? upper : (nth(values, half - 1) + upper) / 2;
}

// Above this many values the Walsh averages are too many to write down.
constexpr size_t kWriteDown = 2000;

/// The Walsh averages of a sample, ascending, without writing all of them down.
class Walsh {
 public:
  explicit Walsh(std::vector<double> values) : sorted_(std::move(values)) {
    std::sort(sorted_.begin(), sorted_.end());
    if (sorted_.size() > kWriteDown) return;
    for (size_t i = 0; i < sorted_.size(); ++i)
      for (size_t j = i; j < sorted_.size(); ++j) all_.push_back((sorted_[i] + sorted_[j]) / 2);
  }
  uint64_t size() const { return uint64_t{sorted_.size()} * (sorted_.size() + 1) / 2; }
  /// The k-th smallest, from 0.
  double at(uint64_t k) {
    if (!all_.empty()) return nth(all_, k);
    double low = sorted_.front(), high = sorted_.back();
    // The smallest x that k + 1 averages do not exceed; the bounds close in on neighbouring
    // doubles.
    while (true) {
      const double middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) return not_above(low) > k ? low : high;
      (not_above(middle) > k ? high : low) = middle;
    }
  }

 private:
  uint64_t not_above(double x) const {
    uint64_t count = 0;
    size_t j = sorted_.size();
    for (size_t i = 0; i < sorted_.size() && j > i; ++i) {
      while (j > i && (sorted_[i] + sorted_[j - 1]) / 2 > x) --j;
      count += j - i;
    }
    return count;
  }
  std::vector<double> sorted_, all_;
};

}  // namespace

double median(std::vector<double> values) { return median_in_place(values); }

std::vector<double> medians_of(const std::vector<double>& values, size_t group) {
  std::vector<double> out;
  for (auto at = values.begin(); values.end() - at >= static_cast<ptrdiff_t>(group);
       at += static_cast<ptrdiff_t>(group))
    out.push_back(median({at, at + static_cast<ptrdiff_t>(group)}));
  return out;
}

double mad(const std::vector<double>& values) {
  const double centre = median(values);
  std::vector<double> distances;
  for (double v : values) distances.push_back(std::abs(v - centre));
  return median_in_place(distances);
}

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  double sum = 0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

uint64_t signed_rank_rank(size_t n, double tail, size_t exact_up_to) {
  const size_t total = n * (n + 1) / 2;
  if (n > exact_up_to) {
    const double centre = static_cast<double>(total) / 2;
    const double sd = std::sqrt(static_cast<double>(total) * static_cast<double>(2 * n + 1) / 12);
    const double z = boost::math::quantile(boost::math::normal(), tail);
    return static_cast<uint64_t>(std::max(0.0, std::floor(centre + z * sd + .5)));
  }
  // Subsets of {1..n} by their sum, as probabilities.
  std::vector<double> p(total + 1, 0);
  p[0] = 1;
  for (size_t rank = 1; rank <= n; ++rank)
    for (size_t sum = rank * (rank + 1) / 2 + 1; sum-- > 0;)
      p[sum] = (p[sum] + (sum >= rank ? p[sum - rank] : 0)) / 2;
  double below = 0;
  uint64_t k = 0;
  while (k <= total && below + p[k] <= tail) below += p[k++];
  return k;
}

HodgesLehmann hodges_lehmann(const std::vector<double>& values, double level, size_t exact_up_to) {
  HodgesLehmann out;
  if (values.empty()) return out;
  Walsh walsh(values);
  const uint64_t half = walsh.size() / 2;
  out.estimate = walsh.size() % 2 == 1 ? walsh.at(half) : (walsh.at(half - 1) + walsh.at(half)) / 2;
  const uint64_t k = signed_rank_rank(values.size(), (1 - level) / 2, exact_up_to);
  if (k > 0) out.interval = Interval{walsh.at(k - 1), walsh.at(walsh.size() - k)};
  return out;
}

std::optional<Interval> median_interval(std::vector<double> values, double level) {
  if (values.empty()) return std::nullopt;
  const boost::math::binomial binomial(static_cast<double>(values.size()), .5);
  size_t k = 0;
  while (k < values.size() / 2 &&
         boost::math::cdf(binomial, static_cast<double>(k)) <= (1 - level) / 2)
    ++k;
  if (k == 0) return std::nullopt;
  const double low = nth(values, k - 1);
  return Interval{low, nth(values, values.size() - k)};
}

}  // namespace casebox::analytics::timing
