#include "analytics/spc/attributes.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <cmath>

#include "analytics/spc/internal/baseline.h"

namespace casebox::analytics::spc {
namespace {

/// Below this many expected events a point the limits are far from 3 sigma of anything.
constexpr double kFewEvents = 5;

/// P(count < low or count > high) of a discrete distribution; limits need not be whole.
template <typename Distribution>
double outside(const Distribution& d, double low, double high, double most) {
  double p = 0;
  const double below = std::ceil(low) - 1;  // the largest count under the limit
  if (below >= 0) p += boost::math::cdf(d, below);
  const double inside = std::floor(high);  // the largest count within
  if (inside < most) p += boost::math::cdf(boost::math::complement(d, std::max(inside, 0.0)));
  return p;
}

void state_false_alarms(Chart& chart, const std::vector<double>& outside_each, const char* of) {
  double sum = 0, none = 1;
  for (const double p : outside_each) {
    sum += p;
    none *= 1 - p;
  }
  const double mean = sum / static_cast<double>(outside_each.size());
  chart.false_alarms.per_point = mean;
  if (mean > 0) chart.false_alarms.average_run_length = 1 / mean;
  chart.false_alarms.within_these_points = 1 - none;
  chart.false_alarms.basis = std::string("independent ") + of +
                             " counts, rate known: exact, for each point's size; mean over points";
}

void note_few(Chart& chart, double expected) {
  if (expected < kFewEvents)
    chart.notices.push_back("on average " + internal::brief(expected) +
                            " events a point are expected: chart cases or time between events "
                            "instead (g, t), or larger groups");
}

}  // namespace

Chart p_chart(const std::vector<Share>& points, const CountOptions& options) {
  Chart chart;
  chart.kind = "p";
  for (const Share& share : points) {
    const double n = share.cases;
    chart.points.push_back({n > 0 ? share.events / n : 0, n});
  }
  if (!internal::take_baseline(chart, options.baseline, "points")) return chart;
  double events = 0, cases = 0;
  for (size_t i = 0; i < chart.baseline; ++i) {
    events += points[i].events;
    cases += points[i].cases;
  }
  if (events == 0 || events == cases) {
    chart.reasons.push_back(events == 0 ? "no case of the baseline has it: there is no spread"
                                        : "every case of the baseline has it: there is no spread");
    return chart;
  }
  const double p = events / cases;
  chart.centre = p;
  std::vector<double> alarms;
  for (ChartPoint& point : chart.points) {
    if (point.size <= 0) continue;
    const double half = 3 * std::sqrt(p * (1 - p) / point.size);
    point.centre = p;
    point.lower = std::max(0.0, p - half);
    point.upper = std::min(1.0, p + half);
    alarms.push_back(outside(boost::math::binomial(point.size, p), *point.lower * point.size,
                             *point.upper * point.size, point.size));
  }
  internal::mark_limits(chart);
  state_false_alarms(chart, alarms, "binomial");
  note_few(chart, std::min(p, 1 - p) * cases / static_cast<double>(chart.baseline));
  return chart;
}

Chart u_chart(const std::vector<Rate>& points, const CountOptions& options) {
  Chart chart;
  chart.kind = "u";
  for (const Rate& rate : points)
    chart.points.push_back({rate.exposure > 0 ? rate.events / rate.exposure : 0, rate.exposure});
  if (!internal::take_baseline(chart, options.baseline, "points")) return chart;
  double events = 0, exposure = 0;
  for (size_t i = 0; i < chart.baseline; ++i) {
    events += points[i].events;
    exposure += points[i].exposure;
  }
  if (events == 0 || !(exposure > 0)) {
    chart.reasons.push_back("no event in the baseline: there is no rate to set limits by");
    return chart;
  }
  const double u = events / exposure;
  chart.centre = u;
  std::vector<double> alarms;
  for (ChartPoint& point : chart.points) {
    if (!(point.size > 0)) continue;
    const double half = 3 * std::sqrt(u / point.size);
    point.centre = u;
    point.lower = std::max(0.0, u - half);
    point.upper = u + half;
    alarms.push_back(outside(boost::math::poisson(u * point.size), *point.lower * point.size,
                             *point.upper * point.size, INFINITY));
  }
  internal::mark_limits(chart);
  state_false_alarms(chart, alarms, "Poisson");
  note_few(chart, events / static_cast<double>(chart.baseline));
  return chart;
}

Chart c_chart(const std::vector<unsigned>& counts, const CountOptions& options) {
  std::vector<Rate> points;
  for (const unsigned count : counts) points.push_back({count, 1});
  Chart chart = u_chart(points, options);
  chart.kind = "c";
  return chart;
}

}  // namespace casebox::analytics::spc
