#include "recorder/sim/plan.h"

#include <algorithm>
#include <cmath>

#include "recorder/sim/internal/planner.h"

namespace casebox::recorder::sim {

const char* to_string(Phase phase) {
  static constexpr const char* kNames[] = {"Preparation",          "CalotTriangleDissection",
                                           "ClippingCutting",      "GallbladderDissection",
                                           "GallbladderPackaging", "CleaningCoagulation",
                                           "GallbladderRetraction"};
  return kNames[static_cast<int>(phase)];
}

const char* to_string(Tool tool) {
  static constexpr const char* kNames[] = {"Grasper", "Bipolar",   "Hook",       "Scissors",
                                           "Clipper", "Irrigator", "SpecimenBag"};
  return kNames[static_cast<int>(tool)];
}

const PhaseModel& model_of(Phase phase) {
  // Limit: exp(mu + 1.96 sigma), rounded to 5 s.
  static constexpr PhaseModel kModels[] = {
      {4.600, .675, 375}, {6.723, .525, 2325}, {4.825, .773, 565}, {6.580, .588, 2280},
      {4.457, .507, 235}, {4.869, .791, 615},  {4.231, .612, 230}};
  return kModels[static_cast<int>(phase)];
}

const std::vector<std::string>& fault_names() {
  static const std::vector<std::string> kNames = {"missing",         "extra",
                                                  "order",           "time",
                                                  "unobserved",      "justified",
                                                  "ambiguous",       "clock-offset",
                                                  "clock-drift",     "clock-reset",
                                                  "clock-broken",    "dropout-known",
                                                  "dropout-unknown", "loss",
                                                  "duplicate",       "reorder",
                                                  "late-forecast",   "instrument-noise",
                                                  "phase-missing"};
  return kNames;
}

int64_t DeviceClock::read_ns(int64_t t_ns) const {
  const double t = static_cast<double>(t_ns) * 1e-9;
  double shift = offset_s;
  if (reset_at_s >= 0 && t >= reset_at_s) shift += reset_by_s;
  for (const auto& [at, by] : jumps)
    if (t >= at) shift += by;
  return t_ns + static_cast<int64_t>(std::llround(shift * 1e9)) +
         static_cast<int64_t>(std::llround(static_cast<double>(t_ns) * drift_ppm * 1e-6));
}

std::optional<Phase> Plan::phase_at(double t_s) const {
  for (const PhaseSpan& span : phases)
    if (t_s >= span.start_s && t_s < span.end_s) return span.phase;
  return std::nullopt;
}

Result<Plan> make_plan(const Options& options) {
  if (options.procedure != "lap-cholecystectomy")
    return Error{Code::kInvalidArgument, "simulator: procedure '" + options.procedure +
                                             "' is not simulated; use lap-cholecystectomy"};
  if (!(options.duration_scale >= 0.01 && options.duration_scale <= 4))
    return Error{Code::kInvalidArgument, "simulator: duration scale must lie in 0.01 to 4"};
  for (const std::string& name : options.faults)
    if (std::ranges::find(fault_names(), name) == fault_names().end())
      return Error{Code::kInvalidArgument,
                   "simulator: no fault is called '" + name + "'; see casebox simulate --help"};
  Plan plan;
  plan.options = options;
  internal::choose_faults(plan);
  internal::plan_phases(plan);
  internal::plan_devices(plan);
  internal::plan_team(plan);
  internal::plan_room(plan);
  internal::plan_faults(plan);
  std::stable_sort(plan.events.begin(), plan.events.end(),
                   [](const TimedEvent& a, const TimedEvent& b) { return a.t_s < b.t_s; });
  std::stable_sort(plan.departures.begin(), plan.departures.end(),
                   [](const Departure& a, const Departure& b) { return a.t_s < b.t_s; });
  return plan;
}

}  // namespace casebox::recorder::sim
