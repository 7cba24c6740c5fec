#include "analytics/twin/forecast_check.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <tuple>

namespace casebox::analytics::twin {
namespace {

constexpr double kZ90 =
    1.6448536269514722;  // half width of the central 90 % in standard deviations

struct Sums {
  Score score;
  double covered = 0, error = 0, absolute = 0, crps = 0, persistence = 0, same = 0;
};

/// The observation nearest to `t`, at most `tolerance` away.
std::optional<double> nearest(const Series& series, int64_t t, int64_t tolerance) {
  auto after = std::lower_bound(series.t_ns.begin(), series.t_ns.end(), t);
  auto best = series.t_ns.end();
  if (after != series.t_ns.end()) best = after;
  if (after != series.t_ns.begin() &&
      (best == series.t_ns.end() || t - *std::prev(after) <= *best - t))
    best = std::prev(after);
  if (best == series.t_ns.end() || std::abs(*best - t) > tolerance) return std::nullopt;
  return series.values[static_cast<size_t>(best - series.t_ns.begin())];
}

/// The newest observation that was there when the forecast was issued.
std::optional<double> last_known(const Series& series, int64_t t, int64_t tolerance) {
  auto after = std::upper_bound(series.t_ns.begin(), series.t_ns.end(), t);
  if (after == series.t_ns.begin() || t - *std::prev(after) > tolerance) return std::nullopt;
  return series.values[static_cast<size_t>(std::prev(after) - series.t_ns.begin())];
}

struct Spread {
  double low, high;
  double crps;
};

/// Piecewise linear through the stated quantiles; nothing where they do not reach.
std::optional<double> quantile(const v1::TwinForecast& forecast, double p) {
  std::vector<std::pair<double, double>> points;
  for (const v1::Quantile& q : forecast.quantiles()) points.emplace_back(q.p(), q.value());
  std::sort(points.begin(), points.end());
  if (points.size() < 2 || p < points.front().first - 1e-9 || p > points.back().first + 1e-9)
    return std::nullopt;
  for (size_t i = 1; i < points.size(); ++i) {
    if (p > points[i].first + 1e-9) continue;
    const double width = points[i].first - points[i - 1].first;
    const double part = width > 0 ? (p - points[i - 1].first) / width : 1;
    return points[i - 1].second + part * (points[i].second - points[i - 1].second);
  }
  return points.back().second;
}

std::optional<Spread> spread_of(const v1::TwinForecast& forecast, double observed) {
  if (forecast.sd() > 0)
    return Spread{forecast.value() - kZ90 * forecast.sd(), forecast.value() + kZ90 * forecast.sd(),
                  crps_normal(forecast.value(), forecast.sd(), observed)};
  const auto low = quantile(forecast, .05), high = quantile(forecast, .95);
  if (!low || !high) return std::nullopt;
  // CRPS is twice the integral of the quantile loss; the mean over the stated quantiles estimates
  // it.
  double loss = 0;
  for (const v1::Quantile& q : forecast.quantiles()) {
    const double gap = observed - q.value();
    loss += gap >= 0 ? q.p() * gap : (q.p() - 1) * gap;
  }
  return Spread{*low, *high, 2 * loss / forecast.quantiles_size()};
}

void finish(Sums& sums, Check& check, double& covered) {
  Score& s = sums.score;
  const auto per = [](double sum, uint64_t n) { return n ? sum / static_cast<double>(n) : 0; };
  s.coverage90 = per(sums.covered, s.with_interval);
  s.bias = per(sums.error, s.scored);
  s.mae = per(sums.absolute, s.scored);
  s.crps = per(sums.crps, s.with_interval);
  s.persistence_mae = per(sums.persistence, s.persistence_n);
  s.mae_of_same = per(sums.same, s.persistence_n);
  check.with_interval += s.with_interval;
  covered += sums.covered;
  check.scores.push_back(s);
}

}  // namespace

double crps_normal(double mean, double sd, double observed) {
  if (!(sd > 0)) return std::abs(observed - mean);
  const boost::math::normal standard;
  const double z = (observed - mean) / sd;
  return sd * (z * (2 * boost::math::cdf(standard, z) - 1) + 2 * boost::math::pdf(standard, z) -
               1 / std::sqrt(M_PI));
}

Check check_forecasts(const std::vector<v1::TwinForecast>& forecasts,
                      const std::map<std::string, Series>& observed, const CheckOptions& options) {
  Check check;
  const auto tolerance = static_cast<int64_t>(options.tolerance_s * 1e9);
  std::map<std::tuple<std::string, std::string, int64_t>, Sums> groups;
  for (const v1::TwinForecast& forecast : forecasts) {
    if (forecast.kind() != v1::TWIN_KIND_FORECAST) {
      ++check.other_kind;
      continue;
    }
    ++check.forecasts;
    if (forecast.t_issued_ns() > forecast.t_valid_ns()) {
      ++check.late_rejected;
      continue;
    }
    // The issue time wavers by fractions of a second; horizons are told apart by the second.
    const int64_t horizon =
        (forecast.t_valid_ns() - forecast.t_issued_ns() + 500'000'000) / 1'000'000'000;
    const std::string model = forecast.model().twin_id() + "/" + forecast.model().model() + " " +
                              forecast.model().version();
    const auto series = observed.find(forecast.variable());
    if (series != observed.end() && !series->second.unit.empty() && !forecast.unit().empty() &&
        series->second.unit != forecast.unit()) {
      ++check.unit_mismatch;
      continue;
    }
    Sums& sums = groups[{forecast.variable(), model, horizon}];
    Score& s = sums.score;
    s.variable = forecast.variable();
    s.unit = forecast.unit();
    s.model = model;
    s.horizon_s = static_cast<double>(horizon);
    s.first_valid_ns =
        s.forecasts ? std::min(s.first_valid_ns, forecast.t_valid_ns()) : forecast.t_valid_ns();
    s.last_valid_ns =
        s.forecasts ? std::max(s.last_valid_ns, forecast.t_valid_ns()) : forecast.t_valid_ns();
    ++s.forecasts;
    const auto value = series == observed.end()
                           ? std::nullopt
                           : nearest(series->second, forecast.t_valid_ns(), tolerance);
    if (!value) {
      ++check.unmatched;
      continue;
    }
    ++s.scored;
    const double error = forecast.value() - *value;
    sums.error += error;
    sums.absolute += std::abs(error);
    if (const auto spread = spread_of(forecast, *value)) {
      ++s.with_interval;
      sums.covered += *value >= spread->low && *value <= spread->high ? 1 : 0;
      sums.crps += spread->crps;
    }
    if (const auto known = last_known(series->second, forecast.t_issued_ns(), tolerance)) {
      ++s.persistence_n;
      sums.persistence += std::abs(*known - *value);
      sums.same += std::abs(error);
    }
  }
  double covered = 0;
  for (auto& [key, sums] : groups) finish(sums, check, covered);
  if (check.with_interval > 0)
    check.coverage90 = covered / static_cast<double>(check.with_interval);
  return check;
}

}  // namespace casebox::analytics::twin
