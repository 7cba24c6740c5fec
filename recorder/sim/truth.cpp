#include "recorder/sim/truth.h"

#include <fmt/format.h>

#include <algorithm>

namespace casebox::recorder::sim {
namespace {

// Names in the plan are codes of our own, so no character needs escaping.
std::string quoted(const std::string& text) { return '"' + text + '"'; }
const char* boolean(bool value) { return value ? "true" : "false"; }

template <typename Items, typename Print>
std::string list(const Items& items, Print print) {
  std::string out = "[";
  bool first = true;
  for (const auto& item : items) {
    out += first ? "\n    " : ",\n    ";
    first = false;
    out += print(item);
  }
  return out + (first ? "]" : "\n  ]");
}

std::string departures(const Plan& plan) {
  return list(plan.departures, [](const Departure& d) {
    return fmt::format(
        R"({{"kind": "{}", "step": "{}", "t_s": {:.3f}, "reason": "{}", "certain": {}, "ambiguous": {}}})",
        d.kind, d.step, d.t_s, d.reason, boolean(d.certain), boolean(!d.certain));
  });
}

std::string phases(const Plan& plan) {
  return list(plan.phases, [&](const PhaseSpan& p) {
    return fmt::format(
        R"({{"phase": "{}", "start_s": {:.3f}, "end_s": {:.3f}, "limit_s": {:.3f}}})",
        to_string(p.phase), p.start_s, p.end_s,
        model_of(p.phase).limit_s * plan.options.duration_scale);
  });
}

std::string clocks(const Plan& plan) {
  return list(plan.clocks, [](const DeviceClock& c) {
    const std::string reset = c.reset_at_s < 0 ? "null"
                                               : fmt::format(R"({{"t_s": {:.3f}, "by_s": {:.3f}}})",
                                                             c.reset_at_s, c.reset_by_s);
    return fmt::format(
        R"({{"clock_id": {}, "device": "{}", "offset_s": {:.6f}, "drift_ppm": {:.3f}, "reset": {}, "broken": {}}})",
        c.id, c.device, c.offset_s, c.drift_ppm, reset, boolean(c.broken));
  });
}

std::string dropouts(const Plan& plan) {
  return list(plan.dropouts, [](const Dropout& d) {
    return fmt::format(
        R"({{"stream": "{}", "start_s": {:.3f}, "end_s": {:.3f}, "count_known": {}}})", d.stream,
        d.start_s, d.end_s, boolean(d.count_known));
  });
}

std::string streams(const Room& room) {
  std::vector<size_t> indices(room.streams().size());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return list(indices, [&](size_t i) {
    const SentCount& c = room.counts()[i];
    return fmt::format(
        R"({{"name": "{}", "sent": {}, "lost": {}, "duplicated": {}, "reordered": {}, "away": {}}})",
        room.streams()[i].name(), c.sent, c.lost, c.duplicated, c.reordered, c.away);
  });
}

}  // namespace

std::string truth_json(const Room& room) {
  const Plan& plan = room.plan();
  const auto count = [&](const char* code, bool alarm) {
    return std::ranges::count_if(plan.events, [&](const TimedEvent& e) {
      return alarm ? e.event.alarm().active()
                   : e.event.device().code() == code && e.event.device().on();
    });
  };
  std::string out = "{\n";
  out += fmt::format("  \"schema\": \"casebox.truth/1\",\n  \"seed\": {},\n", plan.options.seed);
  out += fmt::format("  \"procedure\": {},\n", quoted(plan.options.procedure));
  out += fmt::format("  \"duration_scale\": {},\n  \"clean\": {},\n", plan.options.duration_scale,
                     boolean(plan.options.clean));
  out += fmt::format("  \"duration_s\": {:.3f},\n", plan.duration_s);
  out += "  \"faults\": " + list(plan.chosen, quoted) + ",\n";
  out += "  \"phases\": " + phases(plan) + ",\n";
  out += "  \"departures\": " + departures(plan) + ",\n";
  out += "  \"clocks\": " + clocks(plan) + ",\n";
  out += "  \"dropouts\": " + dropouts(plan) + ",\n";
  out += fmt::format("  \"forecasts\": {{\"total\": {}, \"late\": {}, \"shown\": {}}},\n",
                     room.twin().forecasts, room.twin().late, room.twin().shown);
  out +=
      fmt::format("  \"couplings\": {{\"abdominal_airway_r\": {}, \"esu_ecg_activations\": {}}},\n",
                  room.body().target_r, plan.esu.size());
  out += fmt::format("  \"events\": {{\"doors\": {}, \"alarms\": {}}},\n", count("door", false),
                     count("", true));
  out += "  \"streams\": " + streams(room) + "\n}\n";
  return out;
}

}  // namespace casebox::recorder::sim
