#pragma once

// What is known of one case without reading its waves: header, phases, departures. `show`, `query`
// and `export --format xes` all read it through here, so that they agree.
//
// Phases are those of analytics/facts.
// Thread safety: free functions; a StoreAccess belongs to one thread.
// Errors: without keys phases and departures cannot be read: `sealed` says so, the rest is there.

#include <string>
#include <vector>

#include "analytics/facts/phases.h"
#include "casebox/v1/case.pb.h"
#include "casebox/v1/finding.pb.h"
#include "tools/query/compared.h"
#include "tools/store/store_access.h"

namespace casebox::tools::query {

/// One entry of a phase or step.
struct PhaseFact {
  std::string label;
  std::string level = "phase";  // phase, step, mark
  std::string origin;           // human, device, algorithm
  std::string by;               // role of who annotated or marked it, or the job that found it
  double t0_s = 0;
  double t1_s = 0;
  double start_u95_s = -1;  // below zero: no bound is known
  double end_u95_s = -1;
  bool open = false;       // never ended; t1_s is where the case ended
  bool placed = true;      // false: its times are withheld and must not be given
  std::string finding_id;  // hex, of what was found
  std::vector<v1::SourceRange> sources;
};

struct DepartureFact {
  std::string finding_id;  // hex
  std::string deviation;   // missing, extra, order, time, unobserved, justified
  std::string step;
  std::string phase;
  std::string certainty;  // certain, ambiguous, unobserved, justified
  std::string text;
  double t0_s = 0;
  double t1_s = 0;
  bool placed = true;  // false: when it was is withheld, and t0 and t1 are the case's
  std::vector<v1::SourceRange> sources;
};

struct CaseFacts {
  CaseId id;
  std::string procedure;
  std::string room;
  std::string state;
  int64_t start_utc_ns = 0;
  double first_t_s = 0, end_s = 0;  // case time: the first item's beginning, the last one's end
  double duration_s = 0;            // between the two
  uint64_t gap_frames = 0;
  bool sealed = false;  // no key: phases and departures are unknown
  // False: nobody looked yet (no annotation, no run of the job), so that none is not zero.
  bool phases_known = true;
  bool departures_known = true;
  std::string phase_source;       // annotated, found, marked; empty: none
  std::vector<PhaseFact> phases;  // by start; annotated steps among them
  /// Why no duration may be made of the phases, nor, where they are not `placed`, a time given.
  std::vector<std::string> withheld;
  std::vector<DepartureFact> departures;
  /// With which norm the departures were found, or why the case was not compared.
  Compared comparison;
  /// The frames that hold the findings of that run, and those the findings rest on.
  std::vector<v1::SourceRange> comparison_frames;
};

PhaseFact phase_fact(const analytics::facts::Phase& phase, bool placed);

/// From the store's own row alone.
Result<CaseFacts> header_facts(const v1::CaseRecord& record);
/// With phases and departures, opened for `purpose`.
Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, bool phases = true, bool departures = true);
/// The same of a case that is open already.
Result<CaseFacts> read_facts(const storage::CaseReader& reader, bool phases = true,
                             bool departures = true);

}  // namespace casebox::tools::query
