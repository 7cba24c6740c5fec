#include "tools/web/overview.h"

#include <algorithm>
#include <cmath>

namespace casebox::tools::web {

Overview::Overview(double from_s, double to_s, double cell_s)
    : from_s_(from_s), cell_s_(std::max(cell_s, (to_s - from_s) / static_cast<double>(kMaxCells))) {
  const size_t cells =
      static_cast<size_t>(std::clamp(std::ceil((to_s - from_s) / cell_s_), 1.0, 1.0 * kMaxCells));
  min_.assign(cells, NAN);
  max_.assign(cells, NAN);
  samples_.assign(cells, 0);
}

void Overview::add(double t_s, double value) {
  const double at = (t_s - from_s_) / cell_s_;
  if (!(at >= 0) || at >= static_cast<double>(samples_.size())) return;
  const size_t i = static_cast<size_t>(at);
  ++samples_[i];
  if (std::isnan(value)) return;
  // Negated so that the first value replaces NaN.
  if (!(min_[i] <= value)) min_[i] = value;
  if (!(max_[i] >= value)) max_[i] = value;
}

bool Overview::fits(double from_s, double to_s, size_t buckets) const {
  return (to_s - from_s) / static_cast<double>(buckets) >= cell_s_;
}

PlotSeries Overview::series(double from_s, double to_s, size_t buckets) const {
  Decimator out(from_s, to_s, buckets);
  size_t samples = 0;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const double middle = from_s_ + (static_cast<double>(i) + 0.5) * cell_s_;
    if (middle < from_s || middle >= to_s) continue;
    samples += samples_[i];
    if (std::isnan(min_[i])) continue;
    out.add(middle, min_[i]);
    out.add(middle, max_[i]);
  }
  PlotSeries series = out.finish_buckets();
  series.samples = samples;
  return series;
}

}  // namespace casebox::tools::web
