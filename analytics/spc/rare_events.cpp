#include "analytics/spc/rare_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analytics/spc/individuals.h"
#include "analytics/spc/internal/baseline.h"

namespace casebox::analytics::spc {
namespace {

constexpr double kTail = 0.00135;  // beyond each limit
constexpr double kPower = 1 / 3.6;

void state(Chart& chart, double per_point, std::string basis) {
  chart.false_alarms.per_point = per_point;
  if (per_point > 0) chart.false_alarms.average_run_length = 1 / per_point;
  chart.false_alarms.within_these_points =
      1 - std::pow(1 - per_point, static_cast<double>(chart.points.size()));
  chart.false_alarms.basis = std::move(basis);
}

}  // namespace

Chart g_chart(const std::vector<unsigned>& gaps, const GapOptions& options) {
  Chart chart;
  chart.kind = "g";
  for (const unsigned gap : gaps) chart.points.push_back({static_cast<double>(gap)});
  if (!internal::take_baseline(chart, options.baseline, "gaps between events")) return chart;
  double sum = 0;
  for (size_t i = 0; i < chart.baseline; ++i) sum += gaps[i];
  const double mean = sum / static_cast<double>(chart.baseline);
  if (mean == 0) {
    chart.reasons.push_back("every case of the baseline has the event: it is not rare");
    return chart;
  }
  chart.centre = mean;
  // P(G > g) = q^(g+1), P(G < g) = 1 - q^g; the event's share of cases is 1 / (1 + mean).
  const double log_q = std::log(mean / (1 + mean));
  const double upper = std::max(0.0, std::ceil(std::log(kTail) / log_q - 1));
  const double lower = std::floor(std::log(1 - kTail) / log_q);
  double outside = std::exp((upper + 1) * log_q);
  if (lower > 0) outside += 1 - std::exp(lower * log_q);
  for (ChartPoint& point : chart.points) {
    point.centre = mean;
    point.upper = upper;
    if (lower > 0) point.lower = lower;
  }
  internal::mark_limits(chart);
  state(chart, outside, "independent cases, rate known: exact geometric distribution");
  if (lower <= 0)
    chart.notices.push_back(
        "no lower limit: even two cases in a row with the event are not unlikely "
        "enough, so this chart cannot signal that events became more frequent");
  return chart;
}

Chart t_chart(const std::vector<double>& gaps, const GapOptions& options) {
  Chart chart;
  chart.kind = "t";
  for (const double gap : gaps) chart.points.push_back({gap});
  if (!internal::take_baseline(chart, options.baseline, "times between events")) return chart;
  std::vector<double> powers;
  for (const double gap : gaps) {
    if (!(gap > 0)) {
      chart.reasons.push_back("two events at one moment: the time between them is zero");
      return chart;
    }
    powers.push_back(std::pow(gap, kPower));
  }
  const Chart inner = xmr(powers, {options.baseline, {}, false}).individuals;
  if (!inner.reasons.empty()) {
    chart.reasons = inner.reasons;
    return chart;
  }
  const auto back = [](double y) { return std::pow(std::max(y, 0.0), 1 / kPower); };
  chart.centre = back(*inner.centre);
  chart.sigma = inner.sigma;
  for (size_t i = 0; i < chart.points.size(); ++i) {
    ChartPoint& point = chart.points[i];
    point.centre = chart.centre;
    point.upper = back(*inner.points[i].upper);
    if (*inner.points[i].lower > 0) point.lower = back(*inner.points[i].lower);
  }
  internal::mark_limits(chart);
  // Of a standard exponential: mean and sigma of its power from the gamma function.
  const double mean = std::tgamma(1 + kPower);
  const double sigma = std::sqrt(std::tgamma(1 + 2 * kPower) - mean * mean);
  const double above = std::exp(-back(mean + 3 * sigma));
  const double below = -std::expm1(-back(mean - 3 * sigma));
  state(chart, above + below,
        "independent exponential times, rate known: exact for limits at 3 sigma of the power");
  chart.notices.push_back("charted as time to the power 1/3.6: sigma is that of the power");
  return chart;
}

std::vector<unsigned> gaps_between(const std::vector<bool>& has_event) {
  std::vector<unsigned> out;
  unsigned run = 0;
  bool seen = false;
  for (const bool event : has_event) {
    if (!event) {
      ++run;
      continue;
    }
    if (seen) out.push_back(run);
    seen = true;
    run = 0;
  }
  return out;
}

}  // namespace casebox::analytics::spc
