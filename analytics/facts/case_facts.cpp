#include "analytics/facts/case_facts.h"

#include <algorithm>

#include "analytics/facts/case_parts.h"
#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"
#include "analytics/names.h"

namespace casebox::analytics::facts {
namespace {

using finding::label_of;

DepartureFact departure(const storage::EventAt& at) {
  const v1::Finding& finding = at.event.finding();
  DepartureFact fact;
  fact.finding_id = to_hex(finding.id());
  fact.deviation = label_of(finding, "deviation");
  fact.step = finding.step().empty() ? label_of(finding, "step") : finding.step();
  fact.phase = label_of(finding, "phase");
  fact.certainty = name_of(finding.certainty());
  fact.text = finding.text();
  fact.t0_s = seconds_of(finding.t0_ns());
  fact.t1_s = seconds_of(finding.t1_ns());
  fact.placed = analytics::finding::placed(finding);
  fact.sources.assign(finding.sources().begin(), finding.sources().end());
  if (fact.sources.empty()) fact.sources.push_back(own_source(at));
  fact.value = label_of(finding, "value");
  fact.norm = finding.run().protocol();
  const auto number = [&](const char* key) {
    const auto it = finding.values().find(key);
    return it == finding.values().end() ? std::nullopt : std::optional(it->second);
  };
  fact.severity = number("severity");
  fact.margin = number("margin");
  fact.excess_s = number("excess_s");
  return fact;
}

}  // namespace

std::string why_not_compared(const Compared& comparison) {
  switch (comparison.outcome) {
    case Compared::Outcome::kRan: return "";
    case Compared::Outcome::kSkipped: return "it was not compared: " + comparison.reason;
    case Compared::Outcome::kFailed: return "its comparison failed: " + comparison.reason;
    case Compared::Outcome::kNever: break;
  }
  return "nobody has compared it with a norm";
}

PhaseFact phase_fact(const Phase& phase, bool placed) {
  PhaseFact fact;
  fact.label = phase.label;
  fact.level = name_of(phase.level);
  fact.origin = name_of(phase.origin);
  fact.by = phase.by;
  fact.t0_s = seconds_of(phase.t0_ns);
  fact.t1_s = seconds_of(phase.t1_ns);
  if (phase.start)
    fact.start = Bound{seconds_of(phase.start->low_ns), seconds_of(phase.start->high_ns)};
  if (phase.end) fact.end = Bound{seconds_of(phase.end->low_ns), seconds_of(phase.end->high_ns)};
  fact.open = phase.open;
  fact.placed = placed;
  fact.finding_id = phase.finding_id;
  fact.sources = phase.sources;
  return fact;
}

namespace {

void put_end(CaseFacts& facts, const v1::CaseRecord& record, int64_t end_ns) {
  facts.end_s = std::max(0.0, seconds_of(end_ns));
  facts.duration_s = duration_s(record, end_ns);
}

}  // namespace

Result<CaseFacts> header_facts(const v1::CaseRecord& record) {
  CaseFacts facts;
  CASEBOX_TRY(facts.id, id_from_bytes<CaseId>(record.case_id()));
  facts.procedure = record.procedure();
  facts.room = record.room();
  facts.state = name_of(record.state());
  facts.start_utc_ns = static_cast<int64_t>(record.start_utc_ns());
  facts.first_t_s = seconds_of(record.first_t_ns());
  put_end(facts, record, end_of(record));
  for (const v1::StreamRecord& stream : record.streams()) facts.gap_frames += stream.gap_frames();
  return facts;
}

namespace {

void put_departures(const v1::CaseRecord& record, const std::vector<storage::EventAt>& derived,
                    CaseFacts& facts) {
  std::vector<v1::Finding> of_conformance;
  for (const auto& [finding, at] : analytics::finding::current(record, derived)) {
    if (finding.run().job() != "conformance") continue;
    if (finding.kind() == "departure") facts.departures.push_back(departure(at));
    facts.comparison_frames.push_back(own_source(at));
    facts.comparison_frames.insert(facts.comparison_frames.end(), finding.sources().begin(),
                                   finding.sources().end());
    of_conformance.push_back(finding);
  }
  facts.comparison = compared(of_conformance);
  facts.departures_known = facts.comparison.ran();
  std::stable_sort(facts.departures.begin(), facts.departures.end(),
                   [](const DepartureFact& a, const DepartureFact& b) { return a.t0_s < b.t0_s; });
}

Result<void> put_phases(const storage::CaseReader& reader,
                        const std::vector<storage::EventAt>& derived, CaseFacts& facts) {
  CASEBOX_TRY(const auto read, read_phases(reader, derived));
  facts.phase_source = to_string(read.source);
  facts.phases_known = read.known;
  for (const auto& phase : read.all) facts.phases.push_back(phase_fact(phase, read.placed()));
  if (!read.all.empty()) facts.withheld = read.quality.reasons();
  return ok();
}

void put_verdict(verify::Verdict verdict, CaseFacts& facts) {
  facts.verdict = verify::to_string(verdict);
  facts.complete = verify::is_complete(verdict);
}

}  // namespace

void Needs::add(const Needs& other) {
  for (bool Needs::*one :
       {&Needs::phases, &Needs::departures, &Needs::moments, &Needs::clocks, &Needs::consent,
        &Needs::twin, &Needs::gaps, &Needs::vital_names, &Needs::all_vitals, &Needs::verdict})
    this->*one = this->*one || other.*one;
  vitals.insert(other.vitals.begin(), other.vitals.end());
}

Result<CaseFacts> read_facts(const storage::CaseReader& reader, bool phases, bool departures) {
  Needs needs;
  needs.phases = phases;
  needs.departures = departures;
  return read_facts(reader, needs);
}

Result<CaseFacts> read_facts(const storage::CaseReader& reader, const Needs& needs) {
  const v1::CaseRecord& record = reader.record();
  CASEBOX_TRY(CaseFacts facts, header_facts(record));
  put_verdict(reader.verdict(), facts);
  if (const auto readable = reader.readable(); !readable) {
    facts.sealed = true;
    facts.refused = readable.error().code == Code::kRefused;
    facts.sealed_why = readable.error().message;
    return facts;
  }
  CASEBOX_TRY(const int64_t end_ns, end_of(reader));
  put_end(facts, record, end_ns);
  const bool phases = needs.phases || needs.all_vitals;
  std::vector<storage::EventAt> derived;
  if (phases || needs.departures || needs.twin) {
    CASEBOX_TRY(derived, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  }
  if (phases) CASEBOX_CHECK(put_phases(reader, derived, facts));
  if (needs.departures) put_departures(record, derived, facts);
  if (needs.twin) facts.twin = read_twin(analytics::finding::current(record, derived));
  if (needs.moments) {
    CASEBOX_TRY(facts.moments, read_moments(reader));
  }
  if (needs.coverage()) {
    CASEBOX_TRY(facts.coverage, read_coverage(reader));
  }
  if (needs.clocks) {
    CASEBOX_TRY(facts.clocks, read_clocks(reader));
  }
  if (needs.gaps) {
    CASEBOX_TRY(facts.gaps, read_gaps(reader));
  }
  if (needs.consent) read_consent(reader, facts);
  CASEBOX_CHECK(read_vitals(reader, needs, facts));
  put_verdict(reader.verdict(), facts);  // what was read since may not have held
  return facts;
}

}  // namespace casebox::analytics::facts
