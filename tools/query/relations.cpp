#include "tools/query/relations.h"

#include <algorithm>
#include <cmath>

#include "tools/cli/names.h"
#include "tools/query/relation_rows.h"

namespace casebox::tools::query {
namespace {

using enum ColumnType;

std::vector<Column> with_case(std::vector<Column> columns, bool sources = true) {
  std::vector<Column> out = {{"case_id", kText, "", "the case"},
                             {"verdict", kText, "", "of the case, as `casebox verify` gives it"}};
  out.insert(out.end(), columns.begin(), columns.end());
  if (sources) out.push_back({"sources", kText, "", "frames: epoch/stream/first-last"});
  return out;
}

std::vector<Column> intervals() {
  return with_case({
      {"phase", kText, "", "its label"},
      {"entry", kInteger, "1", "of this label, from 1"},
      {"origin", kText, "", "human, device or algorithm"},
      {"by", kText, "", "role of who annotated or marked it, or the job that found it"},
      {"t0_s", kReal, "s", "begin; NULL: withheld"},
      {"t1_s", kReal, "s", "end; NULL: withheld"},
      {"duration_s", kReal, "s", "NULL: withheld"},
      {"t0_u95_s", kReal, "s", "95 % bound of the begin; NULL: none is known"},
      {"t1_u95_s", kReal, "s", "95 % bound of the end; NULL: none is known"},
      {"t0_low_s", kReal, "s", "earliest and latest begin with 95 %: the bound's two sides"},
      {"t0_high_s", kReal, "s", "latest begin; NULL: no bound is known"},
      {"t1_low_s", kReal, "s", "earliest end with 95 %"},
      {"t1_high_s", kReal, "s", "latest end; NULL: no bound is known"},
      {"duration_u95_s", kReal, "s", "95 % bound of the duration; NULL: none is known"},
      {"open", kInteger, "", "1: it never ended; t1_s is where the case ended"},
      {"withheld", kText, "", "why times are NULL; NULL: they are not"},
      {"finding_id", kText, "", "of what was found; NULL: people's"},
  });
}

const Column kWithheld{"withheld", kText, "", "why times are NULL; NULL: they are not"};
const Column kTime{"t_s", kReal, "s", "NULL: withheld"};
const Column kBound{"u95_s", kReal, "s", "95 % bound of t_s; NULL: none is known"};
const Column kStream{"stream", kText, "", "that brought it"};
const Column kPhase{"phase", kText, "", "in which it was; NULL: in none, or withheld"};
const Column kUnit{"unit", kText, "", "UCUM, of the numbers"};

std::vector<Relation> all_relations() {
  using enum Reads;
  return {
      {"cases",
       "one row a case that may be asked about, also of those that no key opens",
       {{"case_id", kText, "", "the case"},
        {"verdict", kText, "", "as `casebox verify` gives it"},
        {"complete", kInteger, "", "1: the verdict is one of the two good ones"},
        {"procedure", kText, "", "code"},
        {"room", kText, "", "code"},
        {"state", kText, "", "open, closed or unclosed"},
        {"start", kText, "", "RFC 3339, UTC; NULL: the case has no date"},
        {"date", kText, "", "YYYY-MM-DD, UTC; NULL: none"},
        {"duration_s", kReal, "s", "of what was recorded"},
        {"gap_frames", kInteger, "1", "frames that tell of something missing"},
        {"readable", kInteger, "", "0: not_readable says why", kPhases},
        {"not_readable", kText, "", "why", kPhases},
        {"phase_source", kText, "", "annotated, found, marked; NULL: none or unknown", kPhases},
        {"timing_withheld", kText, "", "why no duration may be made of its phases", kPhases},
        {"compared", kInteger, "", "1: with a norm", kDepartures},
        {"not_compared", kText, "", "why", kDepartures},
        {"norm", kText, "", "id@version", kDepartures},
        {"departures", kInteger, "1", "of all certainties; NULL: not compared", kDepartures},
        {"certain_departures", kInteger, "1", "NULL: not compared", kDepartures},
        {"consent_stated", kInteger, "", "0: nothing was said", kConsent},
        {"consent", kText, "", "scopes in force now, later acts included, separated by blanks",
         kConsent}},
       {},
       case_rows},
      {"phases", "one row an entry of a phase", intervals(), {kPhases}, phase_rows},
      {"steps", "annotated steps; columns as phases", intervals(), {kPhases}, step_rows},
      {"spans", "other annotated spans; columns as phases", intervals(), {kPhases}, span_rows},
      {"departures",
       "from the norm, of the newest comparison",
       with_case({{"kind", kText, "", "missing, extra, order, time, unobserved or justified"},
                  {"step", kText, "", "of the norm"},
                  {"certainty", kText, "", "certain, ambiguous, unobserved or justified"},
                  {"value", kText, "", "of the norm, that it touches"},
                  {"severity", kReal, "1", "of the norm, 0 to 4"},
                  {"margin", kReal, "1", "how much dearer the next explanation is"},
                  {"excess_s", kReal, "s", "beyond a limit of time"},
                  {"norm", kText, "", "id@version"},
                  {"t0_s", kReal, "s", "NULL: withheld"},
                  {"t1_s", kReal, "s", "NULL: withheld"},
                  kWithheld,
                  {"text", kText, "", "one sentence"},
                  {"finding_id", kText, "", "`casebox why` opens it"}}),
       {kDepartures},
       departure_rows},
      {"events",
       "of devices and the room, texts, what was shown of the twin",
       with_case({{"kind", kText, "", "device, room, text or shown"},
                  {"code", kText, "", "what happened"},
                  {"is_on", kInteger, "", "1 on, 0 off; NULL: no switch"},
                  {"value", kText, "", "text"},
                  {"number", kReal, "*", "number"},
                  kUnit,
                  kStream,
                  kTime,
                  kBound,
                  kPhase,
                  kWithheld}),
       {kMoments, kPhases},
       event_rows},
      {"alarms",
       "one row an alarm that began",
       with_case({{"code", kText, "", "of the device"},
                  {"priority", kText, "", "low, medium or high; NULL: not stated"},
                  {"number", kReal, "*", "value at which it began"},
                  kUnit,
                  kStream,
                  {"t0_s", kReal, "s", "begin; NULL: withheld"},
                  {"t1_s", kReal, "s", "end; NULL: withheld, or none was recorded"},
                  kBound,
                  kPhase,
                  kWithheld}),
       {kMoments, kPhases},
       alarm_rows},
      {"doors",
       "one row an opening of a door",
       with_case({kStream,
                  {"t0_s", kReal, "s", "opened; NULL: withheld"},
                  {"t1_s", kReal, "s", "closed; NULL: withheld, or not recorded"},
                  kBound,
                  kPhase,
                  kWithheld}),
       {kMoments, kPhases},
       door_rows},
      {"marks",
       "of the team",
       with_case({{"code", kText, "", "time-out, phase.begin, reason ..."},
                  {"label", kText, "", "phase, step or item that it is about"},
                  {"reason", kText, "", "code of a recorded reason"},
                  {"role", kText, "", "of who marked it"},
                  kStream,
                  kTime,
                  kBound,
                  kPhase,
                  kWithheld}),
       {kMoments, kPhases},
       mark_rows},
      {"checklists",
       "lists of the team",
       with_case({{"code", kText, "", "who.time-out, instrument-count ..."},
                  {"complete", kInteger, "", "1: every item was ticked"},
                  kStream,
                  kTime,
                  kBound,
                  kPhase,
                  kWithheld}),
       {kMoments, kPhases},
       checklist_rows},
      {"vitals",
       "numeric channels, over each case (phase NULL) and each entry of a phase",
       with_case({kStream,
                  {"channel", kText, "", "ART_M, HR ..."},
                  kUnit,
                  {"phase", kText, "", "NULL: the whole case"},
                  {"entry", kInteger, "1", "of the phase, from 1; NULL: the whole case"},
                  {"n", kInteger, "1", "values; NULL: withheld"},
                  {"missing", kInteger, "1", "items without a value"},
                  {"whole", kInteger, "", "0: the stream did not watch all of it"},
                  {"min", kReal, "*", "least"},
                  {"max", kReal, "*", "greatest"},
                  {"mean", kReal, "*", "of the values, each weighing the same"},
                  kWithheld}),
       {kVitals, kPhases, kCoverage},
       vital_rows},
      {"forecasts",
       "of the twin, compared with what came, by variable and horizon",
       with_case({{"variable", kText, "", "stream/channel"},
                  kUnit,
                  {"model", kText, "", "of the twin"},
                  {"horizon_s", kReal, "s", "ahead"},
                  {"forecasts", kInteger, "1", "made"},
                  {"scored", kInteger, "1", "compared with an observation"},
                  {"mae", kReal, "*", "mean absolute error"},
                  {"persistence_mae", kReal, "*", "of taking the last value instead"},
                  {"bias", kReal, "*", "mean error"},
                  {"crps", kReal, "*", "continuous ranked probability score"},
                  {"coverage90", kReal, "1", "share within the central 90 % interval"},
                  {"withheld", kText, "", "why they were not compared; NULL: they were"},
                  {"finding_id", kText, "", "`casebox why` opens it"}}),
       {kTwin},
       forecast_rows},
      {"gaps",
       "what is known to be missing",
       with_case({{"stream", kText, "", "that lacks it"},
                  {"reason", kText, "", "code"},
                  {"origin", kText, "", "where it was lost"},
                  {"t0_s", kReal, "s", "begin"},
                  {"t1_s", kReal, "s", "end"},
                  {"missing", kInteger, "1", "items; NULL: unknown"}}),
       {kGaps},
       gap_rows},
      {"clocks",
       "of the devices",
       with_case({{"clock_id", kInteger, "", "the newest of the device"},
                  {"streams", kText, "", "timed by it, separated by blanks"},
                  {"broken", kInteger, "", "1: no bound can be given"},
                  {"sets", kInteger, "1", "times it was set"},
                  {"u95_s", kReal, "s", "greatest 95 % bound; NULL: none"}},
                 false),
       {kClocks},
       clock_rows},
      {"coverage",
       "when a stream did not watch, a row a lapse; a stream without lapses has one row",
       with_case({{"stream", kText, "", "of the recorder"},
                  {"items", kInteger, "1", "in the case"},
                  {"people", kInteger, "", "1: it holds what people said"},
                  {"t0_s", kReal, "s", "begin of a lapse; NULL: none, or before all"},
                  {"t1_s", kReal, "s", "end of a lapse; NULL: none, or after all"},
                  {"why", kText, "", "NULL: it watched all the case"}},
                 false),
       {kCoverage},
       coverage_rows},
      {"consent",
       "scopes in force now of each case, later acts included",
       with_case({{"scope", kText, "", "quality, teaching ..."}}, false),
       {kConsent},
       consent_rows},
  };
}

}  // namespace

const char* to_string(ColumnType type) {
  switch (type) {
    case kText: return "TEXT";
    case kReal: return "REAL";
    case kInteger: return "INTEGER";
  }
  return "";
}

void add_needs(Reads reads, Needs& needs) {
  switch (reads) {
    case Reads::kHeader: break;
    case Reads::kPhases: needs.phases = true; break;
    case Reads::kDepartures: needs.departures = true; break;
    case Reads::kMoments:
    case Reads::kCoverage: needs.moments = true; break;
    case Reads::kVitals: needs.all_vitals = true; break;
    case Reads::kClocks: needs.clocks = true; break;
    case Reads::kConsent: needs.consent = true; break;
    case Reads::kTwin: needs.twin = true; break;
    case Reads::kGaps: needs.gaps = true; break;
  }
}

const std::vector<Relation>& relations() {
  static const std::vector<Relation> all = all_relations();
  return all;
}

std::string not_asked(const CaseFacts& facts, Reads reads, const std::string& relation) {
  using analytics::facts::MomentKind;
  if (reads == Reads::kHeader) return "";
  if (facts.sealed) return facts.sealed_why.empty() ? "no key opens it" : facts.sealed_why;
  const auto watched = [&](MomentKind kind) { return facts.moments.watched.contains(kind); };
  switch (reads) {
    case Reads::kPhases:
      if (!facts.phases_known) return "nobody has annotated, marked or searched its phases";
      return facts.withheld.empty() ? "" : "times are withheld: " + facts.withheld.front();
    case Reads::kDepartures: return why_not_compared(facts.comparison);
    case Reads::kTwin: return facts.twin.known ? "" : facts.twin.reason;
    case Reads::kVitals: return facts.vital_names.empty() ? "no numeric channel was recorded" : "";
    case Reads::kMoments:
      if (relation == "alarms" && !watched(MomentKind::kAlarm))
        return "no stream of alarms was recorded";
      if (relation == "doors" && !watched(MomentKind::kRoom))
        return "no stream of doors was recorded";
      if ((relation == "marks" || relation == "checklists") && !watched(MomentKind::kMark))
        return "no stream of the team's marks was recorded";
      if (relation == "events" && !watched(MomentKind::kDevice) && !watched(MomentKind::kRoom))
        return "no stream of events was recorded";
      return "";
    case Reads::kConsent: return facts.consent_stated ? "" : "no consent was stated";
    default: return "";
  }
}

}  // namespace casebox::tools::query
