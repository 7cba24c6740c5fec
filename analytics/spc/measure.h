#pragma once

// One number (or yes/no) of each case, to be charted:
//
//   duration        seconds from the first event's start to the last one's end
//   phase:NAME      active seconds in phase or activity NAME (analytics/timing)
//   count:ACTIVITY  how often it happened
//   has:ACTIVITY    1 if it happened, else 0
//   departures      certain departures from a norm (analytics/conformance); the caller counts them
//   departed        1 if the case has one at least, else 0
//
// What a case lacks for the measure is said, not put to zero: a phase that does not occur has no
// time, and a case whose times are withheld has neither duration nor phase time.
//
// Thread safety: pure functions. Errors: kInvalidArgument for a measure that is not understood.

#include <optional>
#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "proto/base/result.h"

namespace casebox::analytics::spc {

enum class MeasureKind { kDuration, kPhase, kCount, kHas, kDepartures, kDeparted };

struct Measure {
  MeasureKind kind = MeasureKind::kDuration;
  std::string name;  // phase or activity
  std::string text() const;
  bool of_departures() const {
    return kind == MeasureKind::kDepartures || kind == MeasureKind::kDeparted;
  }
  bool of_time() const { return kind == MeasureKind::kDuration || kind == MeasureKind::kPhase; }
};
Result<Measure> parse_measure(const std::string& text);

struct CaseValue {
  std::optional<double> value;
  std::string reason;  // why there is none
};
/// Of every kind but those of departures. `withheld`: why the case's times may not be used; empty:
/// they may.
CaseValue measure_case(const EventLog& log, const Trace& trace,
                       const std::vector<std::string>& withheld, const Measure& measure);

}  // namespace casebox::analytics::spc
