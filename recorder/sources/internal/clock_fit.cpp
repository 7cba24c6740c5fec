#include "recorder/sources/internal/clock_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace casebox::recorder::internal {
namespace {

constexpr double kResetSeconds = 5;  // between two measurements, beyond the usual distance
constexpr double kResetOffset = 1;   // s by which the difference jumps

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Offset and slope through `of`, about the mean of its times.
void fit_line(const std::vector<ClockMeasured>& of, double& mean, double& offset, double& slope) {
  mean = offset = slope = 0;
  for (const ClockMeasured& one : of) mean += one.at, offset += one.offset;
  mean /= static_cast<double>(of.size());
  offset /= static_cast<double>(of.size());
  double xx = 0, xy = 0;
  for (const ClockMeasured& one : of) {
    xx += (one.at - mean) * (one.at - mean);
    xy += (one.at - mean) * (one.offset - offset);
  }
  // Below a second in time a slope says nothing, and no clock is wrong by more than 1 %.
  if (xx > 1 && std::abs(xy / xx) < 0.01) slope = xy / xx;
}

}  // namespace

ClockFit::ClockFit(const std::vector<ClockMeasured>& measured) {
  std::vector<double> distances;
  for (size_t i = 1; i < measured.size(); ++i)
    distances.push_back(measured[i].at - measured[i - 1].at);
  const double usual = median_of(distances);
  std::vector<ClockMeasured> run;
  for (size_t i = 0; i < measured.size(); ++i) {
    if (i > 0) {
      const double step = distances[i - 1];
      const double jump = std::abs(measured[i].offset - measured[i - 1].offset);
      if (step < 0 || (std::abs(step - usual) > kResetSeconds && jump > kResetOffset))
        fit(std::exchange(run, {}));
    }
    run.push_back(measured[i]);
  }
  if (!run.empty()) fit(std::move(run));
}

void ClockFit::fit(std::vector<ClockMeasured> of) {
  Stretch out;
  out.begin = of.front().at;
  out.end = of.back().at;
  fit_line(of, out.mean, out.offset, out.slope);
  for (int round = 0; round < 5 && of.size() > 3; ++round) {
    std::vector<double> off;
    for (const ClockMeasured& one : of)
      off.push_back(std::abs(one.offset - out.offset - out.slope * (one.at - out.mean)));
    const double most = std::max(3 * 1.4826 * median_of(off), 1e-4);
    std::vector<ClockMeasured> kept;
    for (size_t i = 0; i < of.size(); ++i)
      if (off[i] <= most) kept.push_back(of[i]);
    spread_ = std::max(spread_, 2 * 1.4826 * median_of(off));
    if (kept.size() == of.size() || kept.size() < 2) break;
    of = std::move(kept);
    fit_line(of, out.mean, out.offset, out.slope);
  }
  stretches_.push_back(out);
}

double ClockFit::offset_at(double t, size_t& stretch) const {
  if (stretches_.empty()) return 0;
  while (stretch + 1 < stretches_.size() &&
         std::abs(t - stretches_[stretch + 1].begin) <= std::abs(t - stretches_[stretch].end))
    ++stretch;
  const Stretch& at = stretches_[std::min(stretch, stretches_.size() - 1)];
  return at.offset + at.slope * (t - at.mean);
}

}  // namespace casebox::recorder::internal
