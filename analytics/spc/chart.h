#pragma once

// What every control chart of this folder gives: points in the order they were given, each with the
// limits that apply to it and the signals it raises; how often the chart would signal if nothing
// had changed; and, when limits cannot be given, why not.
//
// A signal says that a point is unlikely if the process is as it was in the baseline. It says
// neither why nor who.
//
// Thread safety: values.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace casebox::analytics::spc {

/// How often a chart signals although nothing has changed.
struct FalseAlarms {
  std::optional<double> per_point;            // probability; absent: points are not independent
  std::optional<double> average_run_length;   // points from start to first false signal
  std::optional<double> within_these_points;  // of at least one false signal among those charted
  std::string basis;                          // what was assumed and how it was computed
};

struct ChartPoint {
  double value = 0;
  double size = 1;  // cases or exposure behind it
  std::optional<double> centre, lower, upper;
  bool baseline = false;             // the limits were estimated from it
  std::vector<std::string> signals;  // names of rules, see run_rules.h; "limit" where there is one
};

struct Chart {
  std::string kind;  // "xmr", "moving-range", "p", "u", "c", "g", "t", "ewma", "racusum", "vlad"
  std::vector<ChartPoint> points;
  size_t baseline = 0;  // points the limits were estimated from
  std::optional<double> centre, sigma;
  FalseAlarms false_alarms;
  bool display_only = false;         // to look at: it has no limits and never signals
  std::vector<std::string> reasons;  // why there are no limits; empty: there are
  std::vector<std::string> notices;  // what to keep in mind
  size_t signal_count() const;       // points with a signal
};

/// Takes limits, signals and rates off a chart; its points stay, and why is said.
void withhold(Chart& chart, const std::string& reason);

/// Points below which limits are not given, and below which they are called provisional.
constexpr size_t kMinimumPoints = 10;
constexpr size_t kSettledPoints = 20;

}  // namespace casebox::analytics::spc
