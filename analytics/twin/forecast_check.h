#pragma once

// Did the twin's forecasts hold? Each is compared with the observation at the time it is about, and
// with persistence: that nothing will have changed since the forecast was issued. A forecast issued
// after the time it is about is hindsight: counted, never scored. Ones that only a gap leaves
// without an observation say nothing.
//
// Scores: coverage of the central 90 % interval, bias, mean absolute error, CRPS (Gneiting &
// Raftery, JASA 2007; closed form of the normal distribution). Of a forecast without a standard
// deviation or quantiles only bias and error are scored.
//
// Thread safety: pure functions. Units: case time in ns; values in the variable's unit.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/twin.pb.h"

namespace casebox::analytics::twin {

/// CRPS of the normal distribution (mean, sd) at an observation; |error| when sd is 0.
double crps_normal(double mean, double sd, double observed);

/// Observed values of one variable, by time.
struct Series {
  std::vector<int64_t> t_ns;
  std::vector<double> values;  // finite
  std::string unit;
};

struct CheckOptions {
  double tolerance_s = 2;  // an observation at most this far from the valid time counts
};

/// Scores of one variable and horizon.
struct Score {
  std::string variable;
  std::string unit;
  std::string model;       // "twin-id/model version"
  double horizon_s = 0;    // rounded to the second
  uint64_t forecasts = 0;  // of this variable and horizon, issued in time
  uint64_t scored = 0;     // with an observation at their valid time
  uint64_t with_interval = 0;
  double coverage90 = 0;  // of with_interval
  double bias = 0;        // forecast minus observation
  double mae = 0;
  double persistence_mae = 0;  // over those with an observation at issue
  uint64_t persistence_n = 0;
  double mae_of_same = 0;  // of the forecasts counted in persistence_n
  double crps = 0;         // mean, of with_interval
  int64_t first_valid_ns = 0, last_valid_ns = 0;
};

struct Check {
  uint64_t forecasts = 0;      // kind forecast, all
  uint64_t late_rejected = 0;  // issued after their valid time
  uint64_t other_kind = 0;     // estimates, what-ifs, plans: not forecasts
  uint64_t unmatched = 0;      // no observation at the valid time, or an unknown variable
  uint64_t unit_mismatch = 0;
  std::vector<Score> scores;         // by variable, model, horizon
  std::optional<double> coverage90;  // over all scored with an interval
  uint64_t with_interval = 0;
};

/// `observed` by variable name, "stream/channel".
Check check_forecasts(const std::vector<v1::TwinForecast>& forecasts,
                      const std::map<std::string, Series>& observed,
                      const CheckOptions& options = {});

}  // namespace casebox::analytics::twin
