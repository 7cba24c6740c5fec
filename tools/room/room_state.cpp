#include "tools/room/room_state.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "analytics/names.h"
#include "proto/keyring/producer_keys.h"

namespace casebox::tools {
namespace {

constexpr double kFewDiskHours = 12;
constexpr double kLongLag_s = 60;

using RoomPhase = recorder::CaseMachine::State;

bool is_recording(const RoomState& state) {
  return state.recorder.state == RoomPhase::kRecording ||
         state.recorder.state == RoomPhase::kEnding;
}

}  // namespace

std::vector<std::string> troubles_of(const RoomState& state) {
  const recorder::ApplianceStatus& now = state.recorder;
  std::vector<std::string> out;
  for (const recorder::SourceHealth& source : now.sources) {
    if (source.state.state == "reconnecting" || source.state.state == "failed")
      out.push_back(source.state.name + " is away");
    else if (!source.last_item_s && source.state.state == "opening")
      out.push_back(source.state.name + " has not come");
    else if (source.lost_5min + source.gaps_5min > 0)
      out.push_back(source.state.name + " lost something in the last 5 minutes");
  }
  if (now.disk_full) out.push_back("the disk is full");
  if (!now.shed.empty()) out.push_back("little disk space, not recorded: " + now.shed);
  if (now.disk_hours && *now.disk_hours < kFewDiskHours)
    out.push_back(fmt::format("the disk is full in {:.1f} h", *now.disk_hours));
  if (state.forward && state.forward->state != "forwarding")
    out.push_back("not forwarded: " + state.forward->message);
  else if (state.forward && state.forward->lag_s > kLongLag_s)
    out.push_back(fmt::format("forwarding is {:.0f} s behind", state.forward->lag_s));
  if (now.cases > 0 && now.keys_left < keyring::kFewCaseKeys)
    out.push_back(fmt::format("{} one-time case keys left", now.keys_left));
  if (now.button == "absent") out.push_back("the button is absent");
  if (!now.accounts_balance) out.push_back("the books do not balance; report this");
  return out;
}

Json to_json(const RoomState& state) {
  const recorder::ApplianceStatus& now = state.recorder;
  Json doc = document("state");
  doc["room"] = state.room;
  doc["state"] = name_of(now.state);
  doc["since_s"] = now.since_s;
  doc["case_id"] = now.case_id.empty() ? Json(nullptr) : Json(now.case_id);
  doc["case_s"] = now.case_id.empty() ? Json(nullptr) : Json(now.case_s);
  doc["resumed"] = now.resumed;
  doc["pause_reason"] = now.pause_reason.empty() ? Json(nullptr) : Json(now.pause_reason);
  doc["sources"] = Json::array();
  for (const recorder::SourceHealth& source : now.sources)
    doc["sources"].push_back(
        {{"name", source.state.name},
         {"state", source.state.state},
         {"message", source.state.message},
         {"last_item_s", source.last_item_s ? Json(*source.last_item_s) : Json(nullptr)},
         {"lost_5min", source.lost_5min},
         {"gaps_5min", source.gaps_5min}});
  doc["rules"] = Json::array();
  for (const recorder::RuleState& rule : now.rules)
    doc["rules"].push_back({{"name", rule.name},
                            {"holds", rule.holds},
                            {"armed", rule.armed},
                            {"unknown", rule.unknown}});
  doc["button"] = now.button;
  doc["ring"] = {{"seconds", now.ring_s}, {"bytes", now.ring_bytes}, {"cut", now.ring_cut}};
  doc["disk_hours"] = now.disk_hours ? Json(*now.disk_hours) : Json(nullptr);
  doc["disk_free"] = now.disk_free;
  const auto bound = analytics::wall_bound_s(now.utc_u95_ns);
  doc["clock"] = {{"u95_s", bound ? Json(*bound) : Json(nullptr)}, {"steps", now.utc_steps}};
  doc["keys_left"] = now.cases > 0 ? Json(now.keys_left) : Json(nullptr);
  doc["cases"] = now.cases;
  doc["forward"] = state.forward ? Json(state.forward->state) : Json(nullptr);
  doc["forward_message"] = state.forward ? Json(state.forward->message) : Json(nullptr);
  doc["forward_lag_s"] = state.forward ? Json(state.forward->lag_s) : Json(nullptr);
  doc["troubles"] = troubles_of(state);
  return doc;
}

std::string metrics_of(const RoomState& state) {
  const recorder::ApplianceStatus& now = state.recorder;
  std::string out;
  const auto one = [&](const char* name, const char* help, const char* type, double value) {
    out += fmt::format("# HELP casebox_{0} {1}\n# TYPE casebox_{0} {2}\ncasebox_{0} {3}\n", name,
                       help, type, std::isinf(value) ? "+Inf" : fmt::format("{}", value));
  };
  one("recording", "1 while a case is recorded and not paused", "gauge",
      is_recording(state) ? 1 : 0);
  one("paused", "1 while a case is paused", "gauge", now.state == RoomPhase::kPaused ? 1 : 0);
  one("cases_total", "cases begun since the start of the program", "counter",
      static_cast<double>(now.cases));
  one("accounts_balance", "received = stored + missing + in ring", "gauge",
      now.accounts_balance ? 1 : 0);
  one("disk_free_ratio", "free part of the spool's disk", "gauge", now.disk_free);
  if (now.disk_hours)
    one("disk_hours", "hours until video is left out, at the pace of the last hour", "gauge",
        *now.disk_hours);
  one("shedding", "1 while little disk space keeps something from being recorded", "gauge",
      now.shed.empty() ? 0 : 1);
  one("disk_full", "1 while the disk takes nothing", "gauge", now.disk_full ? 1 : 0);
  // Infinite: nothing keeps the wall clock.
  one("wall_clock_u95_seconds", "95 % bound of the wall clock", "gauge",
      analytics::wall_bound_s(now.utc_u95_ns).value_or(std::numeric_limits<double>::infinity()));
  one("wall_clock_steps_total", "times the wall clock was stepped", "counter",
      static_cast<double>(now.utc_steps));
  one("ring_bytes", "held from before the next case", "gauge", static_cast<double>(now.ring_bytes));
  if (now.cases > 0)
    one("keys_left", "one-time case keys, as the newest case found them", "gauge",
        static_cast<double>(now.keys_left));
  if (now.button != "none")
    one("button_up", "1 while the button can be read", "gauge", now.button == "absent" ? 0 : 1);
  if (state.forward) {
    one("forward_lag_seconds", "since the oldest frame that no broker acknowledged", "gauge",
        state.forward->lag_s);
    one("forwarded_frames_total", "frames that a broker acknowledged", "counter",
        static_cast<double>(state.forward->frames));
    one("forward_refused", "1 where forwarding has stopped and somebody must act", "gauge",
        state.forward->state == "refused" ? 1 : 0);
  }
  const auto each = [&](const char* name, const char* help, auto value) {
    out += fmt::format("# HELP casebox_{0} {1}\n# TYPE casebox_{0} gauge\n", name, help);
    for (const recorder::SourceHealth& source : now.sources)
      out +=
          fmt::format("casebox_{}{{source=\"{}\"}} {}\n", name, source.state.name, value(source));
  };
  each("source_up", "1 while a source delivers", [](const recorder::SourceHealth& source) {
    return source.state.state == "running" ? 1 : 0;
  });
  each("source_lost_5min", "items lost in the last 5 minutes of the case",
       [](const recorder::SourceHealth& source) { return source.lost_5min; });
  each("source_gaps_5min", "gaps in the last 5 minutes of the case",
       [](const recorder::SourceHealth& source) { return source.gaps_5min; });
  return out;
}

std::string word_of(const RoomState& state) {
  if (!troubles_of(state).empty()) return "trouble";
  return state.recorder.state == RoomPhase::kEnding ? "recording" : name_of(state.recorder.state);
}

}  // namespace casebox::tools
