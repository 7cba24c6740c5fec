#pragma once

// The patient of a simulated operation: slow states on fixed grids, made once from the plan.
// Devices and the twin look at them.
//
// Model: HR and mean pressure return to a mean (Ornstein-Uhlenbeck), so the best forecast and its
// true standard deviation are known in closed form; episodes are surprises that no forecast knows
// of.
//
// Thread safety: immutable after construction.

#include <vector>

#include "recorder/sim/plan.h"

namespace casebox::recorder::sim {

constexpr double kNumericInterval = 1.024;  // s
constexpr double kPressureInterval = 0.2;   // s

/// A mean-reverting quantity as its monitor reports it.
struct Reverting {
  double mean;
  double sd;  // stationary, of the true state
  double tau_s;
  double noise_sd;              // of one reading
  std::vector<double> state;    // true, every kNumericInterval
  std::vector<double> reading;  // state, noise and episodes

  /// Best forecast of a reading `horizon_s` after one that showed `now`, and its standard
  /// deviation.
  double forecast(double now, double horizon_s) const;
  double forecast_sd(double horizon_s) const;
};

class Physiology {
 public:
  explicit Physiology(const Plan& plan);

  /// Reading nearest before `t_s`.
  static double at(const std::vector<double>& grid, double interval_s, double t_s);
  double pressure(double t_s) const { return at(abdominal, kPressureInterval, t_s); }

  Reverting heart_rate;           // /min
  Reverting mean_pressure;        // mm[Hg]
  std::vector<double> spo2;       // %, numeric grid
  std::vector<double> temp;       // Cel, numeric grid
  std::vector<double> abdominal;  // mm[Hg], pressure grid
  double airway_base = 14;        // cm[H2O], peak without insufflation
  double airway_gain = 0.6;       // cm[H2O] per mm[Hg]
  double airway_noise_sd = 1;     // per breath; makes r about 0.93
  double target_r = 0.93;
};

}  // namespace casebox::recorder::sim
