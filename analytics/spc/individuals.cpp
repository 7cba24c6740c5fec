#include "analytics/spc/individuals.h"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "analytics/spc/internal/baseline.h"

namespace casebox::analytics::spc {
namespace {

constexpr double kD2 = 1.128;      // mean range of two N(0, 1), as tabulated
constexpr double kD4 = 3.267;      // upper limit of a range of two, in mean ranges
constexpr double kLimits = 3;      // sigma
constexpr int kStates = 201;       // of the EWMA chain; odd: one state is the centre
constexpr int kSteadyAfter = 200;  // points after which EWMA limits count as at their asymptote

double within(double run_length, size_t points) {
  // Runs are nearly geometric.
  return 1 - std::pow(1 - 1 / run_length, static_cast<double>(points));
}

/// Values as charted; empty with a reason if a logarithm does not exist.
std::vector<double> scaled(const std::vector<double>& values, bool log_scale, Chart& chart) {
  if (!log_scale) return values;
  std::vector<double> out;
  for (const double value : values) {
    if (!(value > 0)) {
      chart.reasons.push_back(
          "a value is zero or negative: it has no logarithm (--linear-scale charts "
          "times as they are)");
      return {};
    }
    out.push_back(std::log(value));
  }
  return out;
}

double mean_of_first(const std::vector<double>& values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum / static_cast<double>(count);
}

double mean_moving_range(const std::vector<double>& values, size_t count) {
  double sum = 0;
  for (size_t i = 1; i < count; ++i) sum += std::abs(values[i] - values[i - 1]);
  return sum / static_cast<double>(count - 1);
}

Chart bare(const std::vector<double>& values, const char* kind) {
  Chart chart;
  chart.kind = kind;
  for (const double value : values) chart.points.push_back({value});
  return chart;
}

bool no_spread(Chart& chart, double sigma) {
  if (sigma > 0) return false;
  chart.reasons.push_back(
      "all values of the baseline are equal: there is no spread to set limits by");
  return true;
}

Chart ranges(const std::vector<double>& x, size_t baseline, double mean_range) {
  Chart chart;
  chart.kind = "moving-range";
  for (size_t i = 1; i < x.size(); ++i) {
    ChartPoint point{std::abs(x[i] - x[i - 1])};
    point.baseline = i < baseline;
    point.centre = mean_range;
    point.upper = kD4 * mean_range;
    chart.points.push_back(point);
  }
  chart.baseline = baseline - 1;
  chart.centre = mean_range;
  chart.sigma = mean_range / kD2;
  // |X - Y| of independent N(0, s): beyond D4 d2 s.
  const double beyond = 2 * boost::math::cdf(boost::math::normal(), -kD4 * kD2 / std::sqrt(2.0));
  chart.false_alarms = {beyond,
                        {},
                        {},
                        "independent normal values; neighbouring ranges share a value, so no run "
                        "length is given"};
  internal::mark_limits(chart);
  return chart;
}

}  // namespace

Xmr xmr(const std::vector<double>& values, const IndividualsOptions& options) {
  Xmr out{bare(values, "xmr"), bare({}, "moving-range")};
  Chart& chart = out.individuals;
  const std::vector<double> x = scaled(values, options.log_scale, chart);
  if (!internal::take_baseline(chart, options.baseline, "points") || x.empty()) {
    out.moving_range.reasons = chart.reasons;
    return out;
  }
  const double centre = mean_of_first(x, chart.baseline);
  const double range = mean_moving_range(x, chart.baseline);
  const double sigma = range / kD2;
  if (no_spread(chart, sigma)) {
    out.moving_range.reasons = chart.reasons;
    return out;
  }
  const auto back = [&](double v) { return options.log_scale ? std::exp(v) : v; };
  chart.centre = back(centre);
  chart.sigma = sigma;
  std::vector<double> z;
  for (size_t i = 0; i < x.size(); ++i) {
    ChartPoint& point = chart.points[i];
    point.centre = chart.centre;
    point.lower = back(centre - kLimits * sigma);
    point.upper = back(centre + kLimits * sigma);
    z.push_back((x[i] - centre) / sigma);
  }
  const auto rules = apply_rules(z, options.rules);
  for (size_t i = 0; i < x.size(); ++i)
    for (const Rule rule : rules[i]) chart.points[i].signals.push_back(to_string(rule));
  if (options.rules.empty()) internal::mark_limits(chart);
  const Rules in_force = options.rules.empty() ? shewhart_rules() : options.rules;
  const RunLength run = in_control_run_length(in_force);
  chart.false_alarms.average_run_length = run.average;
  if (in_force == shewhart_rules()) chart.false_alarms.per_point = 1 / run.average;
  chart.false_alarms.within_these_points = within(run.average, x.size());
  std::string names;
  for (const Rule rule : in_force)
    names += (names.empty() ? "" : ", ") + std::string(to_string(rule));
  chart.false_alarms.basis =
      fmt::format("independent normal values{}, limits known: {} for {}",
                  options.log_scale ? " after logarithms" : "",
                  run.exact ? "exact run length" : "mean of 4,000 simulated runs", names);
  if (options.log_scale) {
    chart.notices.push_back(
        "charted as logarithms: sigma is that of the logarithms, centre is a "
        "geometric mean, ranges are of logarithms");
  }
  out.moving_range = ranges(x, chart.baseline, range);
  return out;
}

double ewma_run_length(double lambda, double width, bool exact_limits) {
  const double spread = std::sqrt(lambda / (2 - lambda));
  const double half = width * spread;
  const double step = 2 * half / kStates;
  const boost::math::normal normal;
  const auto place = [&](int state) { return -half + (state + .5) * step; };
  Eigen::MatrixXd move(kStates, kStates);
  for (int from = 0; from < kStates; ++from)
    for (int to = 0; to < kStates; ++to) {
      const double keep = (1 - lambda) * place(from);
      move(from, to) = boost::math::cdf(normal, (place(to) + step / 2 - keep) / lambda) -
                       boost::math::cdf(normal, (place(to) - step / 2 - keep) / lambda);
    }
  const Eigen::MatrixXd system = Eigen::MatrixXd::Identity(kStates, kStates) - move;
  Eigen::VectorXd length = system.partialPivLu().solve(Eigen::VectorXd::Ones(kStates));
  if (!exact_limits) return length[kStates / 2];
  // Backwards from the asymptote: at point i only the part of each state within that point's
  // limits counts.
  for (int i = kSteadyAfter; i >= 1; --i) {
    const double limit = half * std::sqrt(1 - std::pow(1 - lambda, 2 * i));
    Eigen::VectorXd before = Eigen::VectorXd::Ones(kStates);
    for (int from = 0; from < kStates; ++from)
      for (int to = 0; to < kStates; ++to) {
        const double low = std::max(place(to) - step / 2, -limit);
        const double high = std::min(place(to) + step / 2, limit);
        if (high <= low) continue;
        // Whole states are known already; a cut one is computed anew.
        const bool whole = high - low > step * (1 - 1e-12);
        const double keep = (1 - lambda) * place(from);
        const double p = whole ? move(from, to)
                               : boost::math::cdf(normal, (high - keep) / lambda) -
                                     boost::math::cdf(normal, (low - keep) / lambda);
        before[from] += p * length[to];
      }
    length = before;
  }
  return length[kStates / 2];
}

Chart ewma(const std::vector<double>& values, const EwmaOptions& options) {
  Chart chart = bare(values, "ewma");
  std::vector<double> x = scaled(values, options.log_scale, chart);
  const bool given = options.centre && options.sigma;
  // With centre and sigma given nothing is estimated from the points.
  if (!internal::take_baseline(chart, options.baseline, "points", given ? 0 : kMinimumPoints) ||
      x.empty())
    return chart;
  if (given) {
    chart.baseline = 0;
    chart.notices.clear();
    for (ChartPoint& point : chart.points) point.baseline = false;
  }
  const double centre = options.centre ? *options.centre : mean_of_first(x, chart.baseline);
  const double sigma = options.sigma ? *options.sigma : mean_moving_range(x, chart.baseline) / kD2;
  if (no_spread(chart, sigma)) return chart;
  const double lambda = options.lambda;
  const auto back = [&](double v) { return options.log_scale ? std::exp(v) : v; };
  chart.centre = back(centre);
  chart.sigma = sigma;
  double smoothed = centre;
  for (size_t i = 0; i < x.size(); ++i) {
    smoothed = lambda * x[i] + (1 - lambda) * smoothed;
    const double half = options.width * sigma *
                        std::sqrt(lambda / (2 - lambda) *
                                  (1 - std::pow(1 - lambda, 2 * (static_cast<double>(i) + 1))));
    ChartPoint& point = chart.points[i];
    point.value = back(smoothed);
    point.centre = chart.centre;
    point.lower = back(centre - half);
    point.upper = back(centre + half);
  }
  internal::mark_limits(chart);
  const double run = ewma_run_length(lambda, options.width, true);
  chart.false_alarms = {
      {},
      run,
      within(run, x.size()),
      fmt::format("independent normal values, centre and sigma known: Markov chain "
                  "of {} states, lambda {}, limits at {} sigma, exact for each point",
                  kStates, lambda, options.width)};
  chart.notices.push_back("points are weighted means of this and earlier values, not the values");
  return chart;
}

}  // namespace casebox::analytics::spc
