#include "tools/report/case_view.h"

#include <algorithm>
#include <tuple>

#include "analytics/facts/case_parts.h"
#include "analytics/finding/finding.h"
#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

Result<std::vector<ForecastView>> read_forecasts(const storage::CaseReader& reader) {
  std::vector<ForecastView> out;
  CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_TWIN_EVENT));
  for (const storage::EventAt& at : events) {
    if (!at.event.has_forecast()) continue;
    const v1::TwinForecast& f = at.event.forecast();
    out.push_back({seconds_of(f.t_issued_ns()), seconds_of(f.t_valid_ns()), f.value(), f.sd(),
                   f.variable(), f.unit(), f.model().model(), f.t_issued_ns() > f.t_valid_ns()});
  }
  return out;
}

Result<void> gather_findings(const storage::CaseReader& reader, CaseView& view) {
  CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  for (auto& stored : analytics::finding::current(reader.record(), events)) {
    v1::Finding& finding = stored.finding;
    view.findings.push_back(std::move(finding));
  }
  std::sort(view.findings.begin(), view.findings.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(a.kind() != "departure", a.t0_ns(), a.id()) <
           std::make_tuple(b.kind() != "departure", b.t0_ns(), b.id());
  });
  CASEBOX_TRY(const auto phases, analytics::facts::read_phases(reader, events));
  view.phase_source = to_string(phases.source);
  for (const auto& phase : phases.all)
    view.phases.push_back(query::phase_fact(phase, phases.placed()));
  if (!phases.all.empty()) view.timing_withheld = phases.quality.reasons();
  return ok();
}

void gather_consent(const storage::CaseReader& reader, CaseView& view) {
  view.consent_stated = reader.consent().stated;
  for (const v1::ConsentScope scope : analytics::scopes_in_force(reader.consent()))
    view.consent.push_back(dashed(name_of(scope)));
}

Result<void> gather_details(const storage::CaseReader& reader, CaseView& view) {
  const auto details = reader.events(v1::STREAM_KIND_DETAILS);
  if (!details && details.error().code == Code::kRefused) {
    view.details_closed = true;  // a role may read the facts of a case and not whose it is
    return ok();
  }
  if (!details) return details.error();
  for (const auto& at : *details) {
    if (!at.event.has_details()) continue;
    view.alias = at.event.details().alias();
    for (const auto& [name, value] : at.event.details().fields()) view.details[name] = value;
  }
  return ok();
}

}  // namespace

bool has_consent(const CaseView& view, const std::string& scope) {
  return std::find(view.consent.begin(), view.consent.end(), scope) != view.consent.end();
}

CaseView summarize_case(const v1::CaseRecord& record) {
  CaseView view;
  if (auto id = id_from_bytes<CaseId>(record.case_id())) view.case_id = to_string(*id);
  view.procedure = record.procedure();
  view.room = record.room();
  view.state = dashed(name_of(record.state()));
  if (record.start_utc_ns() != 0) {
    view.start = rfc3339(UtcTime{static_cast<int64_t>(record.start_utc_ns())});
    view.start_u95_s = analytics::wall_bound_s(record.start_utc_u95_ns()).value_or(-1);
  }
  const int64_t end_ns = analytics::facts::end_of(record);
  view.end_s = std::max(0.0, seconds_of(end_ns));
  view.duration_s = analytics::facts::duration_s(record, end_ns);
  view.first_t_s = seconds_of(record.first_t_ns());
  view.frames = record.frames();
  view.streams = analytics::facts::stream_facts(record);
  return view;
}

void take_verdict(const storage::CaseReader& reader, CaseView& view) {
  view.verdict = verify::to_string(reader.verdict());
  view.problems = reader.report().problems;
  view.complete = verify::is_complete(reader.verdict());
}

namespace {

Result<CaseView> gather(const storage::CaseReader& reader, bool moments) {
  CaseView view = summarize_case(reader.record());
  take_verdict(reader, view);
  CASEBOX_TRY(view.gaps, analytics::facts::read_gaps(reader));
  CASEBOX_TRY(view.clocks, analytics::facts::read_clocks(reader));
  const auto readable = reader.readable();
  if (readable || readable.error().code == Code::kRefused) gather_consent(reader, view);
  if (!readable) {
    view.unreadable_reason = readable.error().message;
    return view;
  }
  CASEBOX_TRY(const int64_t end_ns, analytics::facts::end_of(reader));
  view.end_s = std::max(0.0, seconds_of(end_ns));
  view.duration_s = analytics::facts::duration_s(reader.record(), end_ns);
  if (moments) {
    CASEBOX_TRY(view.moments, analytics::facts::read_moments(reader));
    CASEBOX_TRY(view.forecasts, read_forecasts(reader));
    CASEBOX_CHECK(gather_details(reader, view));
  }
  CASEBOX_CHECK(gather_findings(reader, view));
  view.readable = true;
  take_verdict(reader, view);  // what was read since may not have held
  return view;
}

}  // namespace

Result<CaseView> gather_case(const storage::CaseReader& reader) { return gather(reader, true); }

Result<CaseView> gather_outline(const storage::CaseReader& reader) { return gather(reader, false); }

}  // namespace casebox::tools
