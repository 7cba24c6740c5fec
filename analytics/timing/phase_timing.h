#pragma once

// How long each phase took: in one case (active, span, idle, entries) and over a cohort (location
// and spread with intervals). Cases and phases that cannot be timed are named with the reason,
// never dropped in silence.
//
// Thread safety: pure functions. Units: seconds in results. Order of results: phases in the order
// of their median first start over the cases, ties by name.

#include <optional>
#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "analytics/timing/robust.h"

namespace casebox::analytics::timing {

/// One phase of one case.
struct PhaseTime {
  std::string phase;
  double first_start_s = 0;  // place in the case
  double last_end_s = 0;
  double active_s = 0;  // time in the phase; overlapping entries count once
  double span_s = 0;    // first start to last end
  double idle_s = 0;    // span - active
  uint32_t entries = 0;
  double u95_s = 0;   // of `active_s`, from the bounds of its ends taken as independent
  bool open = false;  // an entry never ended: no duration can be given
  bool timed = true;  // false: an end has no bound
};

/// A case to be timed: its phases, and whether the quality gate lets its times through.
struct TimedCase {
  const EventLog* log = nullptr;
  const Trace* trace = nullptr;
  std::vector<std::string> withheld;  // reasons; empty: timing may be used
};

struct Excluded {
  std::string case_id;
  std::string phase;  // empty: the whole case
  std::string reason;
};

/// A phase over a cohort; durations are active times.
struct PhaseRow {
  std::string phase;
  size_t n = 0;
  double median_s = 0;
  double mad_s = 0;
  double mean_s = 0;
  double hl_s = 0;
  std::optional<Interval> ci95_s;  // of hl_s
  double log_hl_s = 0;             // Hodges-Lehmann of the logarithms, back in seconds
  std::optional<Interval> log_ci95_s;
  std::optional<Interval> median_ci95_s;
  double median_span_s = 0;
  double median_idle_s = 0;
  double mean_entries = 0;
};

struct TimingTable {
  size_t cases = 0;  // looked at
  std::vector<PhaseRow> phases;
  std::vector<Excluded> excluded;
};

/// Phases of one trace, by first start.
std::vector<PhaseTime> time_phases(const EventLog& log, const Trace& trace);
TimingTable time_cohort(const std::vector<TimedCase>& cases);

}  // namespace casebox::analytics::timing
