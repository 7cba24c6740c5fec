#include "tools/query/facts.h"

#include <algorithm>

#include "analytics/finding/finding.h"
#include "tools/cli/names.h"

namespace casebox::tools::query {
namespace {

v1::SourceRange own_source(const storage::EventAt& at) {
  v1::SourceRange range;
  range.set_epoch(at.source.epoch.value);
  range.set_stream_id(at.source.stream.value);
  range.set_first_number(at.number.value);
  range.set_last_number(at.number.value);
  range.set_t0_ns(at.t.ns);
  range.set_t1_ns(at.t.ns);
  return range;
}

std::string label_of(const v1::Finding& finding, const char* key) {
  auto it = finding.labels().find(key);
  return it == finding.labels().end() ? "" : it->second;
}

double value_of(const v1::Finding& finding, const char* key, double other) {
  auto it = finding.values().find(key);
  return it == finding.values().end() ? other : it->second;
}

PhaseFact from_interval(const storage::EventAt& at, double case_end_s) {
  const v1::Interval& interval = at.event.interval();
  PhaseFact fact;
  fact.label = interval.label();
  fact.level = name_of(interval.level());
  fact.origin = name_of(interval.origin());
  fact.t0_s = at.t.seconds();
  fact.open = interval.duration_ns() < 0;
  fact.t1_s = fact.open ? case_end_s : (at.t + nanoseconds(interval.duration_ns())).seconds();
  fact.start_u95_s = at.u95_us == frame::kUnknownU95 ? -1 : at.u95_us * 1e-6;
  fact.sources.push_back(own_source(at));
  return fact;
}

PhaseFact from_finding(const storage::EventAt& at) {
  const v1::Finding& finding = at.event.finding();
  PhaseFact fact;
  fact.label = label_of(finding, "phase");
  fact.origin = "algorithm";
  fact.t0_s = value_of(finding, "start_s", static_cast<double>(finding.t0_ns()) * 1e-9);
  fact.t1_s = value_of(finding, "end_s", static_cast<double>(finding.t1_ns()) * 1e-9);
  fact.start_u95_s = value_of(finding, "start_u95_s", 0);
  fact.sources.assign(finding.sources().begin(), finding.sources().end());
  if (fact.sources.empty()) fact.sources.push_back(own_source(at));
  return fact;
}

DepartureFact departure(const storage::EventAt& at) {
  const v1::Finding& finding = at.event.finding();
  DepartureFact fact;
  fact.finding_id = to_hex(finding.id());
  fact.deviation = label_of(finding, "deviation");
  fact.step = finding.step().empty() ? label_of(finding, "step") : finding.step();
  fact.phase = label_of(finding, "phase");
  fact.certainty = name_of(finding.certainty());
  fact.text = finding.text();
  fact.t0_s = static_cast<double>(finding.t0_ns()) * 1e-9;
  fact.t1_s = static_cast<double>(finding.t1_ns()) * 1e-9;
  fact.sources.assign(finding.sources().begin(), finding.sources().end());
  if (fact.sources.empty()) fact.sources.push_back(own_source(at));
  return fact;
}

}  // namespace

Result<CaseFacts> header_facts(const v1::CaseRecord& record) {
  CaseFacts facts;
  CASEBOX_TRY(facts.id, id_from_bytes<CaseId>(record.case_id()));
  facts.procedure = record.procedure();
  facts.room = record.room();
  facts.state = name_of(record.state());
  facts.start_utc_ns = static_cast<int64_t>(record.start_utc_ns());
  facts.duration_s =
      std::max(0.0, static_cast<double>(record.last_t_ns() - record.first_t_ns()) * 1e-9);
  for (const v1::StreamRecord& stream : record.streams()) facts.gap_frames += stream.gap_frames();
  return facts;
}

Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, bool phases, bool departures) {
  CASEBOX_TRY(CaseFacts facts, header_facts(record));
  if (!phases && !departures) return facts;
  CASEBOX_TRY(auto reader, access.read_case(facts.id, purpose));
  return read_facts(*reader, phases, departures);
}

Result<CaseFacts> read_facts(const storage::CaseReader& reader, bool phases, bool departures) {
  const v1::CaseRecord& record = reader.record();
  CASEBOX_TRY(CaseFacts facts, header_facts(record));
  const double end_s = static_cast<double>(record.last_t_ns()) * 1e-9;
  if (!reader.readable()) {
    facts.sealed = true;
    return facts;
  }
  CASEBOX_TRY(const auto annotated, reader.events(v1::STREAM_KIND_PHASE));
  for (const auto& at : annotated)
    if (phases && at.event.has_interval()) facts.phases.push_back(from_interval(at, end_s));

  CASEBOX_TRY(auto derived, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  const bool human = !facts.phases.empty();
  facts.phases_known = human || !phases;
  std::vector<v1::Finding> of_conformance;
  for (const auto& [finding, at] : analytics::finding::current(reader.record(), derived)) {
    const std::string& kind = finding.kind();
    if (kind == analytics::finding::kRunKind && label_of(finding, "outcome") == "ran")
      facts.phases_known = facts.phases_known || finding.run().job() == "phases";
    if (phases && !human && kind == "phase") facts.phases.push_back(from_finding(at));
    if (!departures || finding.run().job() != "conformance") continue;
    if (kind == "departure") facts.departures.push_back(departure(at));
    facts.comparison_frames.push_back(own_source(at));
    facts.comparison_frames.insert(facts.comparison_frames.end(), finding.sources().begin(),
                                   finding.sources().end());
    of_conformance.push_back(finding);
  }
  facts.comparison = compared(of_conformance);
  facts.departures_known = !departures || facts.comparison.ran();
  std::stable_sort(facts.phases.begin(), facts.phases.end(),
                   [](const PhaseFact& a, const PhaseFact& b) { return a.t0_s < b.t0_s; });
  std::stable_sort(facts.departures.begin(), facts.departures.end(),
                   [](const DepartureFact& a, const DepartureFact& b) { return a.t0_s < b.t0_s; });
  return facts;
}

}  // namespace casebox::tools::query
