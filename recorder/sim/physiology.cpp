#include "recorder/sim/physiology.h"

#include <algorithm>
#include <cmath>

#include "recorder/sim/random.h"

namespace casebox::recorder::sim {
namespace {

// 0 outside the episode, 1 in its middle, ramps of 15 s.
double envelope(const Span& episode, double t) {
  if (t <= episode.on_s || t >= episode.off_s) return 0;
  return std::min({1.0, (t - episode.on_s) / 15, (episode.off_s - t) / 15});
}

double episodes(const Plan& plan, int kind, double t) {
  double depth = 0;
  for (const Span& episode : plan.episodes)
    if (episode.kind == kind) depth = std::max(depth, envelope(episode, t));
  return depth;
}

void walk(const Plan& plan, Random& random, Reverting& out, int kind, double depth) {
  const auto n = static_cast<size_t>(plan.duration_s / kNumericInterval) + 2;
  const double phi = std::exp(-kNumericInterval / out.tau_s);
  const double step_sd = out.sd * std::sqrt(1 - phi * phi);
  double x = random.normal(out.mean, out.sd);
  for (size_t i = 0; i < n; ++i) {
    out.state.push_back(x);
    const double surprise = depth * episodes(plan, kind, static_cast<double>(i) * kNumericInterval);
    out.reading.push_back(x + surprise + random.normal(0, out.noise_sd));
    x = out.mean + (x - out.mean) * phi + random.normal(0, step_sd);
  }
}

// First-order response of the abdomen to the insufflator's target, with leaks and instrument
// exchanges.
std::vector<double> abdomen(const Plan& plan, Random& random) {
  const double speed = std::clamp(plan.options.duration_scale, .05, 1.0);
  std::vector<double> out;
  double p = 0, wobble = 0, dip = 0;
  size_t setting = 0;
  const double phi = std::exp(-kPressureInterval / 8);
  for (double t = 0; t < plan.duration_s + 1;
       t = static_cast<double>(out.size()) * kPressureInterval) {
    while (setting + 1 < plan.pressure_target.size() && plan.pressure_target[setting + 1].t_s <= t)
      ++setting;
    const double target = plan.pressure_target[setting].value;
    const double tau = (target > p ? 18 : 7) * speed;
    p += (target - p) * (1 - std::exp(-kPressureInterval / tau));
    wobble = wobble * phi + random.normal(0, .55 * std::sqrt(1 - phi * phi));
    if (random.chance(kPressureInterval / 45)) dip = random.uniform(1, 3);
    dip *= std::exp(-kPressureInterval / 3);
    const double open = std::min(1.0, p / 6);
    out.push_back(std::max(0.0, p + (wobble - dip) * open));
  }
  return out;
}

double sd_of(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (double v : values) {
    sum += v;
    squares += v * v;
  }
  const auto n = static_cast<double>(values.size());
  return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
}

}  // namespace

double Reverting::forecast(double now, double horizon_s) const {
  return mean + (now - mean) * std::exp(-horizon_s / tau_s);
}

double Reverting::forecast_sd(double horizon_s) const {
  const double phi = std::exp(-horizon_s / tau_s);
  return std::sqrt(sd * sd * (1 - phi * phi) + noise_sd * noise_sd * (1 + phi * phi));
}

double Physiology::at(const std::vector<double>& grid, double interval_s, double t_s) {
  if (grid.empty()) return 0;
  const double i = std::clamp(t_s / interval_s, 0.0, static_cast<double>(grid.size() - 1));
  return grid[static_cast<size_t>(i + 1e-9)];
}

Physiology::Physiology(const Plan& plan) {
  Random random(plan.options.seed, "physiology");
  heart_rate = {random.uniform(62, 80), 4, 120, .8, {}, {}};
  mean_pressure = {random.uniform(74, 90), 5, 150, 1.2, {}, {}};
  walk(plan, random, heart_rate, 1, 38);
  walk(plan, random, mean_pressure, 0, -24);
  const double oxygen = random.uniform(97.2, 99);
  double t36 = random.uniform(36.1, 36.8);
  for (size_t i = 0; i < heart_rate.reading.size(); ++i) {
    const double t = static_cast<double>(i) * kNumericInterval;
    spo2.push_back(std::min(100.0, oxygen - 10 * episodes(plan, 2, t) + random.normal(0, .4)));
    t36 += random.normal(-.0001, .001);
    temp.push_back(t36);
  }
  abdominal = abdomen(plan, random);
  airway_base = random.uniform(13, 16);
  airway_noise_sd = airway_gain * sd_of(abdominal) * std::sqrt(1 / (target_r * target_r) - 1);
}

}  // namespace casebox::recorder::sim
