#include "analytics/spc/chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "analytics/spc/internal/baseline.h"

namespace casebox::analytics::spc {

size_t Chart::signal_count() const {
  return static_cast<size_t>(
      std::count_if(points.begin(), points.end(),
                    [](const ChartPoint& point) { return !point.signals.empty(); }));
}

void withhold(Chart& chart, const std::string& reason) {
  for (ChartPoint& point : chart.points) {
    point.centre = point.lower = point.upper = std::nullopt;
    point.baseline = false;
    point.signals.clear();
  }
  chart.baseline = 0;
  chart.centre = chart.sigma = std::nullopt;
  chart.false_alarms = {};
  chart.notices.clear();
  chart.reasons = {reason};
}

namespace internal {

bool take_baseline(Chart& chart, size_t wanted, const std::string& what, size_t minimum) {
  const size_t all = chart.points.size();
  chart.baseline = wanted == 0 ? all : std::min(wanted, all);
  for (size_t i = 0; i < chart.baseline; ++i) chart.points[i].baseline = true;
  if (wanted > all)
    chart.notices.push_back(
        fmt::format("a baseline of {} {} was asked for, there are {}", wanted, what, all));
  if (chart.baseline < minimum) {
    chart.reasons.push_back(fmt::format("{} {} in the baseline; limits need at least {}",
                                        chart.baseline, what, minimum));
    return false;
  }
  if (chart.baseline < kSettledPoints)
    chart.notices.push_back(fmt::format(
        "limits from {} {} are provisional: below {} they move much with each more, and "
        "false signals are more frequent than stated",
        chart.baseline, what, kSettledPoints));
  return true;
}

void mark_limits(Chart& chart) {
  for (ChartPoint& point : chart.points)
    if ((point.upper && point.value > *point.upper) || (point.lower && point.value < *point.lower))
      point.signals.push_back("limit");
}

std::string brief(double value) { return fmt::format("{:.3g}", value); }

}  // namespace internal
}  // namespace casebox::analytics::spc
