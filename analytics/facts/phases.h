#pragma once

// The phases of a case as everything that shows or counts it gives them: those that people
// annotated, with their steps; else those that the newest analysis found; else those that the team
// marked. One source for a case, never a mixture.
//
// What the quality gate (analytics/quality) withholds of their times goes with them: a duration of
// such a case, or a place of its phases in time, is printed nowhere.
//
// Thread safety: free functions; the reader's thread. Units: ns of case time. Errors: the reader's.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "analytics/quality/gate.h"
#include "casebox/v1/event.pb.h"
#include "casebox/v1/finding.pb.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::facts {

enum class PhaseSource : uint8_t { kNone, kAnnotated, kFound, kMarked };
const char* to_string(PhaseSource source);  // "annotated", "found", "marked"; "" for none

/// Where a boundary lies with 95 %; its two sides need not be equally far.
struct Sides {
  int64_t low_ns = 0;
  int64_t high_ns = 0;
};

/// One entry of a phase, or of a step that was annotated beside them.
struct Phase {
  std::string label;
  v1::Interval::Level level = v1::Interval::LEVEL_PHASE;
  v1::Interval::Origin origin = v1::Interval::ORIGIN_HUMAN;
  std::string by;  // who annotated or marked it (a role), or the job that found it
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  std::optional<Sides> start, end;  // unset: no bound is known
  bool open = false;                // never ended; t1 is where the case ended
  std::string finding_id;           // hex, of what was found
  std::vector<v1::SourceRange> sources;
};

struct Phases {
  PhaseSource source = PhaseSource::kNone;
  /// False: nothing was annotated or marked and no analysis has looked, so that none is not zero.
  bool known = false;
  std::vector<Phase> all;  // by start
  /// Of found phases as the run that found them left it; of people's as it is now.
  quality::Verdict quality;
  /// Durations may be made of them, and compared.
  bool timed() const { return quality.timing_ok(); }
  /// It may be said when they begin and end. What is not placed is not timed either.
  bool placed() const { return quality.moment_reasons().empty(); }
};

/// From what is stored, without a search. `findings`: the events of the derived stream of findings,
/// where the caller has read them. `log` gets the phases as a trace, for timing.
Result<Phases> read_phases(const storage::CaseReader& reader,
                           const std::vector<storage::EventAt>& findings, EventLog& log);
Result<Phases> read_phases(const storage::CaseReader& reader,
                           const std::vector<storage::EventAt>& findings);
Result<Phases> read_phases(const storage::CaseReader& reader, EventLog& log);

/// The event itself, as what a fact rests on.
v1::SourceRange own_source(const storage::EventAt& at);

/// The streams that phases of people rest on; none if they are not people's.
std::set<std::string> streams_of_people(const storage::CaseReader& reader,
                                        const std::string& phase_source);

/// Where the last item of a case ends, as far as its headers tell: a header's duration ends at 71
/// minutes, so of an import the close frame counts as well.
int64_t end_of(const v1::CaseRecord& record);
/// With the labels of people, whose ends older imports have nowhere else; without a key as above.
Result<int64_t> end_of(const storage::CaseReader& reader);
/// From the first item's beginning to the last one's end.
double duration_s(const v1::CaseRecord& record, int64_t end_ns);

}  // namespace casebox::analytics::facts
