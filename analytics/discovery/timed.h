#pragma once

// Which times of a case may be used: what every timed result of this folder leaves out, and names.
//
// A case's timing is left out as a whole when the quality gate withholds it or no event has a time;
// single times are left out where an event has none, its clock has no bound, it never ended, or
// ends before it begins.
//
// Thread safety: pure functions.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analytics/event_log.h"

namespace casebox::analytics::discovery {

/// Reasons for each trace why its timing is withheld (analytics/quality); an empty list: it may be
/// used. An empty span: nothing is withheld.
using Withheld = std::span<const std::vector<std::string>>;

struct Excluded {
  std::string case_id;
  std::string reason;
  bool whole = true;  // false: only the times that the reason names
};

/// The start of an event, and its end, as a time that can be subtracted from.
inline bool has_start(const LogEvent& event) { return event.timed && event.u95_ns >= 0; }
inline bool has_end(const LogEvent& event) {
  return has_start(event) && !event.open && event.t1_ns >= event.t0_ns;
}

/// What of a trace's timing is left out; nothing: all of it may be used.
std::optional<Excluded> timing_excluded(const EventLog& log, size_t trace, Withheld withheld);

}  // namespace casebox::analytics::discovery
