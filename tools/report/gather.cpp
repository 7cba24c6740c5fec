// Reads a store into the values that the reports are made of.

#include <algorithm>
#include <set>

#include "analytics/finding/labels.h"
#include "storage/verify/operations.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/documents/decimate.h"
#include "tools/report/case_times.h"
#include "tools/report/cohort_evidence.h"
#include "tools/report/evidence.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

using analytics::finding::deviation_of;
using analytics::finding::label_of;

constexpr size_t kDrawnPoints = 500;

Result<void> gather_openings(StoreAccess& access, CaseId id, CaseEvidence& evidence) {
  if (access.keystore() == nullptr) return ok();
  CASEBOX_TRY(const auto trail, access.keystore()->read_audit());
  evidence.openings_known = true;
  for (const v1::AuditRecord& record : trail) {
    const bool names = std::any_of(record.case_ids().begin(), record.case_ids().end(),
                                   [&](const std::string& one) { return one == id.view(); });
    if (names)
      evidence.openings.push_back({rfc3339(UtcTime{static_cast<int64_t>(record.utc_ns())}),
                                   record.purpose(), record.subject(), record.allowed()});
  }
  return ok();
}

Result<void> gather_observed(const storage::CaseReader& reader, const CaseView& view,
                             TwinTrack& track) {
  const size_t slash = track.variable.rfind('/');
  if (slash == std::string::npos) return ok();
  const std::string stream = track.variable.substr(0, slash);
  const std::string channel = track.variable.substr(slash + 1);
  if (!reader.find_stream(stream)) return ok();
  Decimator thin(std::min(0.0, view.first_t_s), view.end_s + 1e-3, kDrawnPoints);
  CASEBOX_CHECK(reader.samples(stream, channel, {}, [&](const storage::SampleRun& run) {
    for (size_t i = 0; i < run.values.size(); ++i)
      thin.add(
          i < run.times.size()
              ? run.times[i].seconds()
              : run.t0.seconds() + (run.rate_hz > 0 ? static_cast<double>(i) / run.rate_hz : 0),
          run.values[i]);
    return ok();
  }));
  const PlotSeries series = thin.finish();
  for (size_t i = 0; i < series.t_s.size(); ++i) {
    track.observed.emplace_back(series.t_s[i], series.min[i]);
    if (!series.raw && series.max[i] != series.min[i])
      track.observed.emplace_back(series.t_s[i], series.max[i]);
  }
  return ok();
}

Content content_of(const storage::CaseReader& reader, const CaseTimes& times) {
  return {times.case_id, reader.record().source_digest(), times.spans};
}

bool is_refused(const storage::CaseReader& reader) {
  const auto readable = reader.readable();
  return !readable && readable.error().code == Code::kRefused;
}

/// `own`: the case itself. Neither it nor a copy of it is compared with, nor an operation twice.
Result<Comparison> gather_comparison(StoreAccess& access, const Content& own,
                                     const std::string& procedure) {
  CASEBOX_TRY(auto records, storage::proven_operations(access.store()));
  std::erase_if(records, [&](const auto& one) { return one.procedure() != procedure; });
  CASEBOX_TRY(const auto refused, access.refusals(records, keyring::Purpose::kReport));
  std::vector<CaseTimes> others;
  std::vector<Content> contents;
  Progress progress("comparison class", records.size(), "cases");
  size_t done = 0;
  for (const v1::CaseRecord& record : records) {
    progress.update(done);
    const bool left_out = !refused[done++].empty();
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    if (left_out || to_string(id) == own.case_id) continue;
    CASEBOX_TRY(auto reader, access.read_case(id, keyring::Purpose::kReport));
    if (is_refused(*reader)) continue;
    CASEBOX_TRY(auto times, case_times(*reader));
    Content content = content_of(*reader, times);
    if (same_operation(content, own)) continue;
    contents.push_back(std::move(content));
    others.push_back(std::move(times));
  }
  std::set<std::string> again;
  for (const Copy& copy : copies_of(contents)) again.insert(copy.case_id);
  std::erase_if(others, [&](const CaseTimes& one) { return again.contains(one.case_id); });
  return compare(procedure, others);
}

/// As analytics::conformance::Departure::scored().
bool scored(const v1::Finding& departure) {
  return departure.certainty() != v1::CERTAINTY_JUSTIFIED &&
         departure.certainty() != v1::CERTAINTY_UNOBSERVED &&
         !departure.values().contains("done_unseen");
}

}  // namespace

std::vector<TwinTrack> twin_tracks(const std::vector<ForecastView>& forecasts) {
  std::map<std::string, TwinTrack> by_variable;
  for (const ForecastView& forecast : forecasts) {
    TwinTrack& track = by_variable[forecast.variable];
    track.variable = forecast.variable;
    track.unit = forecast.unit;
    (forecast.late ? track.late : track.timely).push_back(forecast);
  }
  std::vector<TwinTrack> out;
  for (auto& [variable, track] : by_variable) {
    for (auto* list : {&track.timely, &track.late})
      std::stable_sort(list->begin(), list->end(), [](const auto& a, const auto& b) {
        return std::make_pair(a.valid_s, a.issued_s) < std::make_pair(b.valid_s, b.issued_s);
      });
    out.push_back(std::move(track));
  }
  return out;
}

Result<CaseEvidence> gather_evidence(StoreAccess& access, CaseId id, keyring::Purpose purpose) {
  CASEBOX_TRY(auto reader, access.read_content(id, purpose));
  const v1::CaseRecord& record = reader->record();
  CaseEvidence evidence;
  CASEBOX_TRY(evidence.view, gather_case(*reader));
  CASEBOX_TRY(evidence.custody, access.verify(record, storage::Depth::kBytes));
  for (const v1::EpochRecord& epoch : record.epochs())
    evidence.epochs.push_back({to_string(Epoch{epoch.epoch()}), name_of(epoch.role()),
                               to_hex(epoch.producer_id()), to_hex(epoch.signing_key()),
                               epoch.closed()});
  if (evidence.view.readable) {
    CASEBOX_TRY(const auto times, case_times(*reader));
    evidence.phases = times.spans;
    evidence.phases_from = times.source;
    evidence.untimed = times.excluded;
    evidence.twin = twin_tracks(evidence.view.forecasts);
    CASEBOX_TRY(evidence.lay, lay_words_for(record.procedure()));
    for (TwinTrack& track : evidence.twin)
      CASEBOX_CHECK(gather_observed(*reader, evidence.view, track));
    CASEBOX_TRY(evidence.comparison,
                gather_comparison(access, content_of(*reader, times), record.procedure()));
  }
  CASEBOX_CHECK(gather_openings(access, id, evidence));
  return evidence;
}

namespace {

Result<CohortCase> gather_cohort_case(const storage::CaseReader& reader,
                                      std::vector<Content>& contents) {
  CASEBOX_TRY(const auto view, gather_outline(reader));
  CohortCase one;
  one.case_id = view.case_id;
  one.procedure = view.procedure;
  one.room = view.room;
  if (reader.record().start_utc_ns() != 0)
    one.start_utc_ns = static_cast<int64_t>(reader.record().start_utc_ns());
  one.duration_s = view.duration_s;
  one.sealed = !view.readable;
  one.consent_stated = view.consent_stated;
  one.allowed = !view.consent_stated || has_consent(view, "quality");
  one.has_gaps = !view.gaps.empty();
  for (const query::ClockFact& clock : view.clocks) one.broken_clock |= clock.broken;
  CASEBOX_TRY(one.times, case_times(reader));
  one.comparison = compared(view.findings);
  for (const v1::Finding& finding : view.findings) {
    if (finding.kind() != "departure") continue;
    const std::string step = finding.step().empty() ? label_of(finding, "step") : finding.step();
    one.departures.push_back({deviation_of(finding), step, name_of(finding.certainty()),
                              label_of(finding, "value"), finding_tag(finding), scored(finding)});
  }
  contents.push_back(content_of(reader, one.times));
  one.verdict = reader.verdict();  // what was read may not have held
  return one;
}

}  // namespace

Result<Cohort> gather_cohort(StoreAccess& access, const std::string& expression,
                             const std::vector<CaseId>& ids) {
  Cohort cohort;
  cohort.expression = expression;
  Progress progress("cohort", ids.size(), "cases");
  std::vector<Content> contents;
  for (CaseId id : ids) {
    progress.update(cohort.cases.size());
    CASEBOX_TRY(auto reader, access.read_case(id, keyring::Purpose::kReport));
    if (is_refused(*reader)) {
      cohort.left_out.push_back({to_string(id), reader->readable().error().message});
      continue;
    }
    CASEBOX_TRY(CohortCase one, gather_cohort_case(*reader, contents));
    cohort.cases.push_back(std::move(one));
  }
  cohort.copies = copies_of(std::move(contents));
  std::set<std::string> again;
  for (const Copy& copy : cohort.copies) again.insert(copy.case_id);
  std::erase_if(cohort.cases, [&](const CohortCase& one) { return again.contains(one.case_id); });
  return cohort;
}

}  // namespace casebox::tools::report
