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
  fact.placed = analytics::finding::placed(finding);
  fact.sources.assign(finding.sources().begin(), finding.sources().end());
  if (fact.sources.empty()) fact.sources.push_back(own_source(at));
  return fact;
}

double bound_of(const std::optional<int64_t>& u95_ns) {
  return u95_ns ? static_cast<double>(*u95_ns) * 1e-9 : -1;
}

}  // namespace

PhaseFact phase_fact(const analytics::facts::Phase& phase, bool placed) {
  PhaseFact fact;
  fact.label = phase.label;
  fact.level = name_of(phase.level);
  fact.origin = name_of(phase.origin);
  fact.by = phase.by;
  fact.t0_s = static_cast<double>(phase.t0_ns) * 1e-9;
  fact.t1_s = static_cast<double>(phase.t1_ns) * 1e-9;
  fact.start_u95_s = bound_of(phase.start_u95_ns);
  fact.end_u95_s = bound_of(phase.end_u95_ns);
  fact.open = phase.open;
  fact.placed = placed;
  fact.finding_id = phase.finding_id;
  fact.sources = phase.sources;
  return fact;
}

namespace {

void put_end(CaseFacts& facts, const v1::CaseRecord& record, int64_t end_ns) {
  facts.end_s = std::max(0.0, static_cast<double>(end_ns) * 1e-9);
  facts.duration_s = analytics::facts::duration_s(record, end_ns);
}

}  // namespace

Result<CaseFacts> header_facts(const v1::CaseRecord& record) {
  CaseFacts facts;
  CASEBOX_TRY(facts.id, id_from_bytes<CaseId>(record.case_id()));
  facts.procedure = record.procedure();
  facts.room = record.room();
  facts.state = name_of(record.state());
  facts.start_utc_ns = static_cast<int64_t>(record.start_utc_ns());
  facts.first_t_s = static_cast<double>(record.first_t_ns()) * 1e-9;
  put_end(facts, record, analytics::facts::end_of(record));
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
  if (!reader.readable()) {
    facts.sealed = true;
    return facts;
  }
  CASEBOX_TRY(const int64_t end_ns, analytics::facts::end_of(reader));
  put_end(facts, record, end_ns);
  CASEBOX_TRY(const auto derived, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  if (phases) {
    CASEBOX_TRY(const auto read, analytics::facts::read_phases(reader, derived));
    facts.phase_source = to_string(read.source);
    facts.phases_known = read.known;
    for (const auto& phase : read.all) facts.phases.push_back(phase_fact(phase, read.placed()));
    if (!read.all.empty()) facts.withheld = read.quality.reasons();
  }
  std::vector<v1::Finding> of_conformance;
  for (const auto& [finding, at] : analytics::finding::current(reader.record(), derived)) {
    const std::string& kind = finding.kind();
    if (!departures || finding.run().job() != "conformance") continue;
    if (kind == "departure") facts.departures.push_back(departure(at));
    facts.comparison_frames.push_back(own_source(at));
    facts.comparison_frames.insert(facts.comparison_frames.end(), finding.sources().begin(),
                                   finding.sources().end());
    of_conformance.push_back(finding);
  }
  facts.comparison = compared(of_conformance);
  facts.departures_known = !departures || facts.comparison.ran();
  std::stable_sort(facts.departures.begin(), facts.departures.end(),
                   [](const DepartureFact& a, const DepartureFact& b) { return a.t0_s < b.t0_s; });
  return facts;
}

}  // namespace casebox::tools::query
