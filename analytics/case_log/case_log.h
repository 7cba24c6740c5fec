#pragma once

// The event log of a recorded case: start and end records paired to intervals, annotated, found or
// marked phases, steps of the team, uses of devices; and beside it what could not be seen, and
// which reasons were recorded.
//
// Phases come from people's annotations where there are any, else from those the caller has found,
// else from the team's marks: one source for a case, named in `phase_source`. An interval that
// never ends stays open, to the end of the case.
//
// Thread safety: free functions; the reader's thread. Errors: those of the reader.

#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::case_log {

/// A phase found by analysis.
struct FoundPhase {
  std::string label;
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  int64_t u95_start_ns = 0;
  int64_t u95_end_ns = 0;
  std::vector<v1::SourceRange> sources;
  bool timed = true;  // false: the quality gate withholds its moments, only its order counts
};

struct Options {
  bool phases = true;
  bool steps = false;         // annotated steps; done steps and acts the team marked
  bool checklists = false;    // as moments, by code
  bool devices = false;       // uses: on to off of each device code
  bool marked_phases = true;  // the team's marks of phases may serve when nothing better is there
  std::vector<FoundPhase> found;
};

/// A recorded reason for a departure of the step it names.
struct RecordedReason {
  std::string step;
  std::string code;
  int64_t t_ns = 0;
  v1::SourceRange source;
};

struct CaseLog {
  size_t trace = 0;  // index in the log
  std::vector<RecordedReason> reasons;
  std::string phase_source;      // "annotated", "found", "marked"; empty: no phases
  int64_t t0_ns = 0, t1_ns = 0;  // what was recorded
};

/// Adds the case as a trace; its key is the case id. Sources name frames without their digests
/// (finding::Sources has those).
Result<CaseLog> add_case(const storage::CaseReader& reader, const Options& options, EventLog& log);

}  // namespace casebox::analytics::case_log
