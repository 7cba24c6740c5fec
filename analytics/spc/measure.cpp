#include "analytics/spc/measure.h"

#include <algorithm>

#include "analytics/timing/phase_timing.h"

namespace casebox::analytics::spc {
namespace {

CaseValue duration(const Trace& trace) {
  if (trace.events.empty()) return {{}, "no events"};
  int64_t from = INT64_MAX, to = INT64_MIN;
  for (const LogEvent& event : trace.events) {
    if (!event.timed) return {{}, "an event has no time"};
    from = std::min(from, event.t0_ns);
    to = std::max(to, event.t1_ns);
  }
  return {static_cast<double>(to - from) * 1e-9, ""};
}

CaseValue phase(const EventLog& log, const Trace& trace, const std::string& name) {
  for (const timing::PhaseTime& time : timing::time_phases(log, trace)) {
    if (time.phase != name) continue;
    if (time.open) return {{}, "never ended"};
    if (!time.timed) return {{}, "an end has no bound"};
    return {time.active_s, ""};
  }
  return {{}, "does not occur"};
}

}  // namespace

std::string Measure::text() const {
  switch (kind) {
    case MeasureKind::kDuration: return "duration";
    case MeasureKind::kPhase: return "phase:" + name;
    case MeasureKind::kCount: return "count:" + name;
    case MeasureKind::kHas: return "has:" + name;
    case MeasureKind::kDepartures: return "departures";
    case MeasureKind::kDeparted: return "departed";
  }
  return "";
}

Result<Measure> parse_measure(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string word = text.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (text == "duration") return Measure{};
  if (text == "departures") return Measure{MeasureKind::kDepartures, ""};
  if (text == "departed") return Measure{MeasureKind::kDeparted, ""};
  if (!name.empty()) {
    if (word == "phase") return Measure{MeasureKind::kPhase, name};
    if (word == "count") return Measure{MeasureKind::kCount, name};
    if (word == "has") return Measure{MeasureKind::kHas, name};
  }
  return Error{Code::kInvalidArgument,
               "measure '" + text +
                   "' is not understood; write duration, departures, departed, phase:NAME, "
                   "count:ACTIVITY or has:ACTIVITY"};
}

CaseValue measure_case(const EventLog& log, const Trace& trace,
                       const std::vector<std::string>& withheld, const Measure& measure) {
  if (measure.of_time() && !withheld.empty()) return {{}, withheld.front()};
  if (measure.kind == MeasureKind::kDuration) return duration(trace);
  if (measure.kind == MeasureKind::kPhase) return phase(log, trace, measure.name);
  if (measure.of_departures()) return {{}, "no norm to compare with"};
  const auto count = std::count_if(
      trace.events.begin(), trace.events.end(),
      [&](const LogEvent& event) { return log.activities[event.activity] == measure.name; });
  if (measure.kind == MeasureKind::kHas) return {count > 0 ? 1.0 : 0.0, ""};
  return {static_cast<double>(count), ""};
}

}  // namespace casebox::analytics::spc
