#pragma once

// What is known of one case without reading its waves: header, phases, departures, and what a
// question asks for besides. `show`, `query` and exports read it through here, so that they agree;
// the page and the reports put the same parts together (tools/report/case_view.h). What is read is
// said by `Needs`.
//
// Thread safety: free functions; the reader's thread. Units: s of case time.
// Errors: without keys phases and departures cannot be read: `sealed` says so, the rest is there.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analytics/facts/compared.h"
#include "analytics/facts/coverage.h"
#include "analytics/facts/moments.h"
#include "analytics/facts/phases.h"
#include "analytics/facts/vitals.h"
#include "casebox/v1/case.pb.h"
#include "casebox/v1/finding.pb.h"
#include "proto/base/ids.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::facts {

/// What a question reads of each case, besides its header.
struct Needs {
  bool phases = false;
  bool departures = false;
  bool moments = false;  // events, alarms, doors, marks, lists, and when they were watched
  bool clocks = false;
  bool consent = false;
  bool twin = false;
  bool gaps = false;
  bool vital_names = false;
  bool all_vitals = false;
  std::set<std::string> vitals;  // channels, as analytics/facts/vitals names them
  bool verdict = false;

  bool content() const {
    return phases || departures || moments || clocks || consent || twin || gaps || vital_names ||
           all_vitals || !vitals.empty();
  }
  bool coverage() const { return moments || all_vitals || !vitals.empty(); }
  void add(const Needs& other);
};

/// Where a boundary lies with 95 %; its two sides need not be equally far.
struct Bound {
  double low_s = 0;
  double high_s = 0;
};

/// One entry of a phase or step.
struct PhaseFact {
  std::string label;
  std::string level = "phase";  // phase, step, mark
  std::string origin;           // human, device, algorithm
  std::string by;               // role of who annotated or marked it, or the job that found it
  double t0_s = 0;
  double t1_s = 0;
  std::optional<Bound> start, end;  // unset: no bound is known
  std::optional<double> start_u95_s() const { return farther(start, t0_s); }
  std::optional<double> end_u95_s() const { return farther(end, t1_s); }
  bool open = false;       // never ended; t1_s is where the case ended
  bool placed = true;      // false: its times are withheld and must not be given
  std::string finding_id;  // hex, of what was found
  std::vector<v1::SourceRange> sources;

 private:
  static std::optional<double> farther(const std::optional<Bound>& bound, double t_s) {
    if (!bound) return std::nullopt;
    return std::max(t_s - bound->low_s, bound->high_s - t_s);
  }
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
  bool placed = true;  // false: when it was is withheld, and t0 and t1 must not be given
  std::vector<v1::SourceRange> sources;
  std::string value;  // of the norm, that it touches; empty: none
  std::string norm;   // id@version
  std::optional<double> severity, margin, excess_s;
};

/// A device's clock against the recorder's; a device that was set counts as one (device_clocks.h).
struct ClockFact {
  uint32_t clock_id = 0;
  std::vector<std::string> streams;
  bool broken = false;             // at any time
  uint64_t sets = 0;               // times it was set
  std::optional<double> u95_s;     // greatest bound of any estimate; unset: none, or broken
  double t_s = 0;                  // of the newest estimate
  double offset_s = 0;             // case time is the device's time plus this, as estimated then
  std::optional<double> rate_ppm;  // unset: none was estimated
};

struct GapFact {
  std::string stream, reason, origin;
  double t0_s = 0, t1_s = 0;
  std::optional<uint64_t> missing;  // unset: unknown
  v1::SourceRange source;
};

struct ForecastFact {
  std::string finding_id, variable, unit, model;
  double horizon_s = 0;
  uint64_t forecasts = 0, scored = 0;
  std::optional<double> mae, persistence_mae, bias, crps, coverage90;
  std::string withheld;  // why they were not compared; empty: they were
  std::vector<v1::SourceRange> sources;
};

struct TwinFact {
  bool known = false;  // the twin job ran on this case
  std::string reason;  // why not
  uint64_t forecasts = 0, late = 0;
  std::optional<double> coverage90;
  std::vector<ForecastFact> scores;
};

/// What a numeric channel showed over the case, or over one entry of a phase.
struct VitalFact {
  std::string stream, channel, unit;
  size_t phase = SIZE_MAX;  // index into CaseFacts::phases; SIZE_MAX: the whole case
  bool placed = true;       // false: neither values nor times of a part may be given
  bool whole = true;        // its stream watched all the span, and no value is missing in it
  double t0_s = 0, t1_s = 0;
  SpanValues values;
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
  bool sealed = false;   // its content cannot be read: phases and departures are unknown
  bool refused = false;  // sealed because consent, role or purpose forbid it: counted nowhere
  std::string sealed_why;
  std::string verdict;  // with Needs::verdict; of the case as it was opened, if it was
  bool complete = true;
  bool listed = false;  // `verdict` is the one that lists of cases give
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

  Moments moments;
  Coverage coverage;
  std::vector<ClockFact> clocks;
  bool consent_stated = false;
  std::set<std::string> consent;  // scopes in force at the end, as "patient_briefing"
  TwinFact twin;
  std::vector<GapFact> gaps;
  std::vector<std::string> vital_names;
  std::vector<VitalFact> vitals;
};

/// Why a case was not compared with a norm; empty: it was.
std::string why_not_compared(const Compared& comparison);

PhaseFact phase_fact(const Phase& phase, bool placed);

/// From the store's own row alone.
Result<CaseFacts> header_facts(const v1::CaseRecord& record);
/// Of a case that is open; of what cannot be read it says why (`sealed`).
Result<CaseFacts> read_facts(const storage::CaseReader& reader, const Needs& needs);
/// The same with phases and departures, or one of them.
Result<CaseFacts> read_facts(const storage::CaseReader& reader, bool phases = true,
                             bool departures = true);

}  // namespace casebox::analytics::facts
