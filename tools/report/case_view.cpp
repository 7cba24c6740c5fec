#include "tools/report/case_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <tuple>

#include "analytics/finding/finding.h"
#include "proto/frame/role.h"
#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

double bound(uint32_t u95_us) {
  return u95_us == frame::kUnknownU95 ? -1 : static_cast<double>(u95_us) * 1e-6;
}

std::string stream_name(const std::map<uint32_t, std::string>& names, StreamId id) {
  auto it = names.find(id.value);
  return it == names.end() ? std::to_string(id.value) : it->second;
}

void put_device(EventView& out, const v1::DeviceEvent& event) {
  out.kind = "device";
  out.code = event.code();
  if (event.has_on()) out.value = event.on() ? "on" : "off";
  if (event.has_number()) out.value = fmt::format("{:g}", event.number());
  if (event.has_text()) out.value = event.text();
  out.unit = event.unit();
}

void put_alarm(EventView& out, const v1::Alarm& alarm) {
  out.kind = "alarm";
  out.code = alarm.code();
  out.label = dashed(name_of(alarm.priority()));
  out.value = alarm.active() ? "begins" : "ends";
  if (alarm.active() && !alarm.unit().empty()) {
    out.value += fmt::format(" at {:g} (limit {:g})", alarm.value(), alarm.limit());
    out.unit = alarm.unit();
  }
}

/// True when the event is shown in the list of events.
bool put_event(EventView& out, const v1::Event& event) {
  switch (event.what_case()) {
    case v1::Event::kDevice: put_device(out, event.device()); return true;
    case v1::Event::kAlarm: put_alarm(out, event.alarm()); return true;
    case v1::Event::kMark:
      out.kind = "team";
      out.code = event.mark().code();
      out.label = event.mark().label();
      out.value = event.mark().reason();
      out.role = event.mark().role();
      return true;
    case v1::Event::kChecklist:
      out.kind = "checklist";
      out.code = event.checklist().code();
      out.value = event.checklist().complete() ? "complete" : "not complete";
      return true;
    case v1::Event::kShown:
      out.kind = "twin-shown";
      out.code = event.shown().message();
      out.label = event.shown().display();
      out.role = event.shown().role();
      out.t_s = seconds_of(event.shown().t_on_ns());
      out.duration_s =
          std::max(0.0, seconds_of(event.shown().t_off_ns() - event.shown().t_on_ns()));
      return true;
    case v1::Event::kText:
      out.kind = "text";
      out.code = event.text().code();
      out.value = event.text().text();
      return true;
    default: return false;
  }
}

void put_interval(CaseView& view, const storage::EventAt& at, const std::string& stream) {
  const v1::Interval& interval = at.event.interval();
  const bool open = interval.duration_ns() < 0;
  const double t0 = at.t.seconds();
  const double t1 = open ? view.end_s : t0 + seconds_of(interval.duration_ns());
  if (interval.level() == v1::Interval::LEVEL_PHASE) return;  // gather_phases has them
  EventView event;
  event.t_s = t0;
  event.u95_s = bound(at.u95_us);
  event.kind = "mark";
  event.code = interval.level() == v1::Interval::LEVEL_STEP ? "step" : "mark";
  event.label = interval.label();
  event.duration_s = t1 - t0;
  event.stream = stream;
  view.events.push_back(std::move(event));
}

Result<void> gather_events(const storage::CaseReader& reader,
                           const std::map<uint32_t, std::string>& names, CaseView& view) {
  for (v1::StreamKind kind :
       {v1::STREAM_KIND_DEVICE, v1::STREAM_KIND_ALARM, v1::STREAM_KIND_TEAM, v1::STREAM_KIND_PHASE,
        v1::STREAM_KIND_ROOM, v1::STREAM_KIND_TWIN_EVENT}) {
    CASEBOX_TRY(auto events, reader.events(kind));
    for (const storage::EventAt& at : events) {
      const std::string stream = stream_name(names, at.source.stream);
      if (at.event.has_interval()) {
        put_interval(view, at, stream);
        continue;
      }
      if (at.event.has_forecast()) {
        const v1::TwinForecast& f = at.event.forecast();
        view.forecasts.push_back({seconds_of(f.t_issued_ns()), seconds_of(f.t_valid_ns()),
                                  f.value(), f.sd(), f.variable(), f.unit(), f.model().model(),
                                  f.t_issued_ns() > f.t_valid_ns()});
        continue;
      }
      EventView event;
      event.t_s = at.t.seconds();
      event.u95_s = bound(at.u95_us);
      event.stream = stream;
      if (!put_event(event, at.event)) continue;
      if (kind == v1::STREAM_KIND_ROOM) event.kind = "room";
      view.events.push_back(std::move(event));
    }
  }
  std::stable_sort(view.events.begin(), view.events.end(),
                   [](const EventView& a, const EventView& b) { return a.t_s < b.t_s; });
  return ok();
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
  CASEBOX_TRY(auto details, reader.events(v1::STREAM_KIND_DETAILS));
  for (const auto& at : details) {
    if (!at.event.has_details()) continue;
    view.alias = at.event.details().alias();
    for (const auto& [name, value] : at.event.details().fields()) view.details[name] = value;
  }
  return ok();
}

Result<void> gather_accounting(const storage::CaseReader& reader,
                               const std::map<uint32_t, std::string>& names, CaseView& view) {
  CASEBOX_TRY(auto gaps, reader.gaps());
  for (const storage::GapAt& at : gaps)
    view.gaps.push_back({stream_name(names, at.stream), at.gap.reason(),
                         dashed(name_of(at.gap.origin())), seconds_of(at.gap.t_begin_ns()),
                         seconds_of(at.gap.t_end_ns()), at.first.value,
                         at.first.value + at.count - 1, at.gap.missing(), at.gap.count_unknown()});
  CASEBOX_TRY(auto clocks, reader.clocks());
  std::map<uint32_t, ClockView> by_id;
  for (const storage::ClockAt& at : clocks) {
    for (const v1::SourceClock& source : at.record.sources()) {
      ClockView& clock = by_id[source.clock_id()];
      clock.clock_id = source.clock_id();
      clock.offset_s = seconds_of(source.offset_ns());
      if (source.rate_ppm() != 0) clock.rate_ppm = source.rate_ppm();
      clock.broken = clock.broken || source.broken();
      clock.u95_s = clock.broken ? -1 : seconds_of(source.u95_ns());
      clock.resets += source.reset();
    }
  }
  for (auto& [id, clock] : by_id) view.clocks.push_back(clock);
  return ok();
}

}  // namespace

bool has_consent(const CaseView& view, const std::string& scope) {
  return std::find(view.consent.begin(), view.consent.end(), scope) != view.consent.end();
}

std::string rfc3339(uint64_t utc_ns) {
  const std::time_t seconds = static_cast<std::time_t>(utc_ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     utc_ns % 1'000'000'000);
}

CaseView summarize_case(const v1::CaseRecord& record) {
  CaseView view;
  if (auto id = id_from_bytes<CaseId>(record.case_id())) view.case_id = to_string(*id);
  view.procedure = record.procedure();
  view.room = record.room();
  view.state = dashed(name_of(record.state()));
  if (record.start_utc_ns() != 0) {
    view.start = rfc3339(record.start_utc_ns());
    view.start_u95_s = analytics::wall_bound_s(record.start_utc_u95_ns()).value_or(-1);
  }
  const int64_t end_ns = analytics::facts::end_of(record);
  view.end_s = std::max(0.0, seconds_of(end_ns));
  view.duration_s = analytics::facts::duration_s(record, end_ns);
  view.first_t_s = seconds_of(record.first_t_ns());
  view.frames = record.frames();
  std::map<std::pair<bool, std::string>, StreamView> streams;
  std::map<uint64_t, bool> derived;
  for (const v1::EpochRecord& epoch : record.epochs())
    derived[epoch.epoch()] = !frame::owns_case(epoch.role());
  for (const v1::StreamRecord& row : record.streams()) {
    if (row.stream().stream_id() == 0) continue;
    StreamView& stream = streams[{derived[row.epoch()], row.stream().name()}];
    const bool first = stream.frames == 0;
    stream.stream = row.stream();
    stream.items += row.items();
    stream.missing += row.missing();
    stream.gap_frames += row.gap_frames();
    stream.unknown_gaps += row.unknown_gaps();
    stream.frames += row.frames();
    stream.bytes += row.bytes();
    stream.first_t_s = first ? seconds_of(row.first_t_ns())
                             : std::min(stream.first_t_s, seconds_of(row.first_t_ns()));
    stream.last_t_s = first ? seconds_of(row.last_t_ns())
                            : std::max(stream.last_t_s, seconds_of(row.last_t_ns()));
  }
  for (auto& [key, stream] : streams) view.streams.push_back(std::move(stream));
  return view;
}

void take_verdict(const storage::CaseReader& reader, CaseView& view) {
  view.verdict = verify::to_string(reader.verdict());
  view.problems = reader.report().problems;
  view.complete = verify::is_complete(reader.verdict());
}

namespace {

Result<CaseView> gather(const storage::CaseReader& reader, bool events) {
  CaseView view = summarize_case(reader.record());
  take_verdict(reader, view);
  std::map<uint32_t, std::string> names;
  for (const v1::Stream& stream : reader.streams()) names[stream.stream_id()] = stream.name();
  CASEBOX_CHECK(gather_accounting(reader, names, view));
  const auto readable = reader.readable();
  if (readable || readable.error().code == Code::kRefused) gather_consent(reader, view);
  if (!readable) {
    view.unreadable_reason = readable.error().message;
    return view;
  }
  CASEBOX_TRY(const int64_t end_ns, analytics::facts::end_of(reader));
  view.end_s = std::max(0.0, seconds_of(end_ns));
  view.duration_s = analytics::facts::duration_s(reader.record(), end_ns);
  if (events) CASEBOX_CHECK(gather_events(reader, names, view));
  CASEBOX_CHECK(gather_findings(reader, view));
  CASEBOX_CHECK(gather_details(reader, view));
  view.readable = true;
  take_verdict(reader, view);  // what was read since may not have held
  return view;
}

}  // namespace

Result<CaseView> gather_case(const storage::CaseReader& reader) { return gather(reader, true); }

Result<CaseView> gather_outline(const storage::CaseReader& reader) { return gather(reader, false); }

}  // namespace casebox::tools
