#include "tools/web/case_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"
#include "tools/cli/names.h"
#include "tools/documents/parts.h"
#include "tools/report/tags.h"
#include "tools/web/keys.h"

namespace casebox::tools::web {
namespace {

using analytics::facts::Moment;
using analytics::facts::MomentKind;
using analytics::facts::StreamFact;
using analytics::finding::deviation_of;

Json u95(double seconds) { return seconds < 0 ? Json(nullptr) : Json(seconds); }

Json stream_json(const StreamFact& view) {
  const v1::Stream& stream = view.stream;
  Json json;
  json["stream_id"] = stream.stream_id();
  json["key"] = key_of(stream);
  json["name"] = stream.name();
  json["kind"] = dashed(name_of(stream.kind()));
  json["device"] = stream.device();
  json["clock_id"] = stream.clock_id();
  const double tick = stream.tick_rate_hz().den() == 0
                          ? 0
                          : static_cast<double>(stream.tick_rate_hz().num()) /
                                static_cast<double>(stream.tick_rate_hz().den());
  json["channels"] = Json::array();
  for (const v1::Channel& channel : stream.channels())
    json["channels"].push_back({{"key", key_of(channel)},
                                {"name", channel.name()},
                                {"unit", channel.unit()},
                                {"rate_hz", tick * std::max(1u, channel.samples_per_tick())}});
  if (stream.has_media() && stream.kind() == v1::STREAM_KIND_VIDEO)
    json["video"] = {{"codec", stream.media().codec()},
                     {"codec_string", stream.media().codec_string()},
                     {"width", stream.media().width()},
                     {"height", stream.media().height()}};
  json["items"] = std::to_string(view.items);
  json["missing"] = std::to_string(view.missing);
  json["gap_frames"] = view.gap_frames;
  json["unknown_gaps"] = view.unknown_gaps;
  json["bytes_stored"] = std::to_string(view.bytes);
  json["first_t_s"] = or_null(view.first_t_s);
  json["last_t_s"] = or_null(view.last_t_s);
  if (stream.by_policy_absent()) json["absent_by_policy"] = stream.policy_reason();
  return json;
}

/// A moment as a line of a list: kind, what it is about, and what was so then.
struct Line {
  std::string kind, label, value;
};

std::string value_of(const Moment& moment) {
  if (!moment.value.empty()) return moment.value;
  if (moment.number) return fmt::format("{:g}", *moment.number);
  return !moment.on ? "" : *moment.on ? "on" : "off";
}

Line line_of(const Moment& moment) {
  const std::string kind = to_string(moment.kind);
  switch (moment.kind) {
    case MomentKind::kAlarm: {
      std::string value = moment.on.value_or(false) ? "begins" : "ends";
      if (moment.number && moment.limit)
        value += fmt::format(" at {:g} (limit {:g})", *moment.number, *moment.limit);
      return {kind, moment.priority, value};
    }
    case MomentKind::kMark: return {"team", moment.label, moment.value};
    case MomentKind::kChecklist:
      return {kind, "", moment.on.value_or(false) ? "complete" : "not complete"};
    case MomentKind::kShown: return {"twin-shown", moment.value, ""};
    default: return {kind, "", value_of(moment)};
  }
}

Json event_json(const Moment& moment) {
  const Line line = line_of(moment);
  const bool bound = moment.placed && moment.u95_ns;
  Json json = {{"t_s", moment.placed ? Json(seconds_of(moment.t_ns)) : Json(nullptr)},
               {"u95_s", bound ? Json(seconds_of(*moment.u95_ns)) : Json(nullptr)},
               {"kind", line.kind},
               {"code", moment.code},
               {"stream", moment.stream}};
  if (!line.label.empty()) json["label"] = line.label;
  if (!line.value.empty()) json["value"] = line.value;
  if (!moment.unit.empty()) json["unit"] = moment.unit;
  if (!moment.role.empty()) json["role"] = moment.role;
  if (moment.length_ns > 0) json["duration_s"] = seconds_of(moment.length_ns);
  return json;
}

/// Steps and marks of people stand among the events as well.
Json event_json(const query::PhaseFact& step, const CaseView& view) {
  Json json = {{"t_s", step.placed ? Json(step.t0_s) : Json(nullptr)},
               {"u95_s", step.placed ? or_null(step.start_u95_s()) : Json(nullptr)},
               {"kind", "mark"},
               {"code", step.level},
               {"stream", ""},
               {"label", step.label}};
  for (const StreamFact& stream : view.streams)
    if (!step.sources.empty() && !stream.derived &&
        stream.stream.stream_id() == step.sources.front().stream_id())
      json["stream"] = stream.stream.name();
  if (step.placed && step.t1_s > step.t0_s) json["duration_s"] = step.t1_s - step.t0_s;
  return json;
}

/// By time; what may not be placed in time last.
Json events_json(const CaseView& view) {
  std::vector<std::pair<double, Json>> events;
  const auto put = [&](bool placed, double t_s, Json json) {
    events.emplace_back(placed ? t_s : std::numeric_limits<double>::infinity(), std::move(json));
  };
  for (const Moment& moment : view.moments.all)
    put(moment.placed, seconds_of(moment.t_ns), event_json(moment));
  for (const query::PhaseFact& step : view.phases)
    if (step.level != "phase") put(step.placed, step.t0_s, event_json(step, view));
  std::ranges::stable_sort(events, {}, [](const auto& one) { return one.first; });
  Json out = Json::array();
  for (auto& [t, json] : events) out.push_back(std::move(json));
  return out;
}

}  // namespace

Json finding_json(const v1::Finding& finding) {
  Json json;
  json["id"] = to_hex(finding.id());
  json["tag"] = report::finding_tag(finding);
  json["kind"] = finding.kind();
  json["certainty"] = name_of(finding.certainty());
  json["deviation"] = deviation_of(finding);
  json["step"] = finding.step();
  json["text"] = finding.text();
  const bool placed = analytics::finding::placed(finding);
  json["t0_s"] = placed ? Json(seconds_of(finding.t0_ns())) : Json(nullptr);
  json["t1_s"] = placed ? Json(seconds_of(finding.t1_ns())) : Json(nullptr);
  json["values"] = Json::object();
  for (const auto& [name, value] :
       std::map<std::string, double>(finding.values().begin(), finding.values().end()))
    json["values"][name] = value;
  json["labels"] = Json::object();
  for (const auto& [name, value] :
       std::map<std::string, std::string>(finding.labels().begin(), finding.labels().end()))
    json["labels"][name] = value;
  return json;
}

Json case_row(const CaseView& view) {
  uint64_t gaps = 0;
  for (const StreamFact& stream : view.streams) gaps += stream.gap_frames;
  return {{"case_id", view.case_id},
          {"procedure", view.procedure},
          {"room", view.room},
          {"start", view.start.empty() ? Json(nullptr) : Json(view.start)},
          {"duration_s", view.duration_s},
          {"state", view.state},
          {"verdict", view.verdict},
          {"complete", view.complete},
          {"streams", view.streams.size()},
          {"gaps", gaps}};
}

Json case_document(const CaseView& view) {
  Json json = document("api.case");
  json.update(case_row(view));
  json["start_u95_s"] = u95(view.start_u95_s);
  json["first_t_s"] = view.first_t_s;
  json["end_s"] = view.end_s;
  json["frames"] = std::to_string(view.frames);
  json["verdict"] = view.verdict;
  json["complete"] = view.complete;
  json["problems"] = Json::array();
  for (const verify::Problem& problem : view.problems)
    json["problems"].push_back(
        {{"kind", problem.kind}, {"where", problem.where}, {"detail", problem.detail}});
  json["readable"] = view.readable;
  if (!view.readable) json["unreadable_reason"] = view.unreadable_reason;
  json["alias"] = view.alias;
  json["consent"] = {{"stated", view.consent_stated}, {"granted", view.consent}};
  json["streams"] = Json::array();
  for (const StreamFact& stream : view.streams) json["streams"].push_back(stream_json(stream));
  json["phases"] = Json::array();
  json["phase_source"] = view.phase_source;
  json["timing_withheld"] = view.timing_withheld;
  for (const query::PhaseFact& phase : view.phases) json["phases"].push_back(phase_json(phase));
  json["events"] = events_json(view);
  json["findings"] = Json::array();
  for (const v1::Finding& finding : view.findings)
    json["findings"].push_back(finding_json(finding));
  json["gaps"] = Json::array();
  for (const query::GapFact& gap : view.gaps)
    json["gaps"].push_back({{"stream", gap.stream},
                            {"reason", gap.reason},
                            {"origin", gap.origin},
                            {"first_number", std::to_string(gap.source.first_number())},
                            {"last_number", std::to_string(gap.source.last_number())},
                            {"missing", std::to_string(gap.missing.value_or(0))},
                            {"count_unknown", !gap.missing},
                            {"t0_s", gap.t0_s},
                            {"t1_s", gap.t1_s}});
  json["clocks"] = Json::array();
  for (const query::ClockFact& clock : view.clocks)
    json["clocks"].push_back({{"clock_id", clock.clock_id},
                              {"streams", clock.streams},
                              {"offset_s", clock.offset_s},
                              {"rate_ppm", or_null(clock.rate_ppm)},
                              {"u95_s", or_null(clock.u95_s)},
                              {"broken", clock.broken},
                              {"sets", clock.sets}});
  std::map<std::string, std::pair<uint64_t, uint64_t>> variables;
  for (const ForecastView& forecast : view.forecasts) {
    ++variables[forecast.variable].first;
    variables[forecast.variable].second += forecast.late;
  }
  json["forecasts"] = Json::array();
  for (const auto& [variable, counts] : variables)
    json["forecasts"].push_back(
        {{"variable", variable}, {"count", counts.first}, {"late", counts.second}});
  return json;
}

}  // namespace casebox::tools::web
