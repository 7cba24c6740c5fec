#include "tools/documents/decimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace casebox::tools {

constexpr double kHole = std::numeric_limits<double>::quiet_NaN();

Decimator::Decimator(double from_s, double to_s, size_t buckets)
    : from_s_(from_s), to_s_(to_s), buckets_(std::max<size_t>(1, buckets)) {}

void Decimator::add(double t_s, double value) {
  if (!(t_s >= from_s_ && t_s < to_s_)) return;
  ++samples_;
  if (!too_many_) {
    raw_.emplace_back(t_s, value);
    if (raw_.size() > 2 * buckets_.size()) {
      too_many_ = true;
      raw_.clear();
      raw_.shrink_to_fit();
    }
  }
  if (std::isnan(value)) return;
  const double place = (t_s - from_s_) / (to_s_ - from_s_) * static_cast<double>(buckets_.size());
  Bucket& bucket = buckets_[std::min(static_cast<size_t>(place), buckets_.size() - 1)];
  bucket.min = bucket.any ? std::min(bucket.min, value) : value;
  bucket.max = bucket.any ? std::max(bucket.max, value) : value;
  bucket.any = true;
}

void Decimator::hole(double t_s) {
  if (t_s >= from_s_ && t_s < to_s_ && !too_many_) raw_.emplace_back(t_s, kHole);
}

PlotSeries Decimator::finish() const {
  if (too_many_) return finish_buckets();
  PlotSeries out;
  out.samples = samples_;
  auto sorted = raw_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [t, value] : sorted) {
    out.t_s.push_back(t);
    out.min.push_back(value);
    out.max.push_back(value);
  }
  return out;
}

PlotSeries Decimator::finish_buckets() const {
  PlotSeries out;
  out.raw = false;
  out.samples = samples_;
  const double width = (to_s_ - from_s_) / static_cast<double>(buckets_.size());
  for (size_t i = 0; i < buckets_.size(); ++i) {
    out.t_s.push_back(from_s_ + (static_cast<double>(i) + 0.5) * width);
    out.min.push_back(buckets_[i].any ? buckets_[i].min : kHole);
    out.max.push_back(buckets_[i].any ? buckets_[i].max : kHole);
  }
  return out;
}

}  // namespace casebox::tools
