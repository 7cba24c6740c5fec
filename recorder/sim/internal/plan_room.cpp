#include <algorithm>

#include "recorder/sim/internal/planner.h"

namespace casebox::recorder::sim::internal {
namespace {

struct AlarmModel {
  const char* code;
  v1::Alarm::Kind kind;
  v1::Alarm::Priority priority;
  double limit;
  double value;
  const char* unit;
  int episode;  // kind of Plan::episodes, or -1
};

constexpr AlarmModel kAlarms[] = {
    {"HR_HIGH", v1::Alarm::KIND_PATIENT, v1::Alarm::PRIORITY_MEDIUM, 110, 116, "/min", 1},
    {"HR_LOW", v1::Alarm::KIND_PATIENT, v1::Alarm::PRIORITY_MEDIUM, 50, 47, "/min", -1},
    {"SPO2_LOW", v1::Alarm::KIND_PATIENT, v1::Alarm::PRIORITY_HIGH, 90, 88, "%", 2},
    {"ART_LOW", v1::Alarm::KIND_PATIENT, v1::Alarm::PRIORITY_HIGH, 60, 56, "mm[Hg]", 0},
    {"PAW_HIGH", v1::Alarm::KIND_PATIENT, v1::Alarm::PRIORITY_MEDIUM, 30, 32, "cm[H2O]", -1},
    {"ECG_LEADS_OFF", v1::Alarm::KIND_TECHNICAL, v1::Alarm::PRIORITY_LOW, 0, 0, "1", -1},
};

void plan_alarms(Plan& plan) {
  Random random(plan.options.seed, "alarms");
  constexpr double kMeanGap = 2.9 * 60;
  for (double t = random.exponential(kMeanGap); t < plan.duration_s - 1;
       t += random.exponential(kMeanGap)) {
    const AlarmModel& model = kAlarms[random.below(std::size(kAlarms))];
    const double end = std::min(plan.duration_s - .5, t + random.uniform(4, 25));
    // Half of the alarms have something behind them.
    if (model.episode >= 0 && random.chance(.5))
      plan.episodes.push_back({std::max(0.0, t - 25), t + random.uniform(30, 120), model.episode});
    for (bool active : {true, false}) {
      TimedEvent out{"monitor.alarms", active ? t : end, {}};
      v1::Alarm& alarm = *out.event.mutable_alarm();
      alarm.set_kind(model.kind);
      alarm.set_priority(model.priority);
      alarm.set_code(model.code);
      alarm.set_active(active);
      alarm.set_limit(model.limit);
      alarm.set_value(model.value);
      alarm.set_unit(model.unit);
      plan.events.push_back(out);
    }
  }
}

void plan_doors(Plan& plan) {
  Random random(plan.options.seed, "doors");
  plan.doors_per_hour = std::max(8.0, random.normal(35, 10));
  const double gap = 3600 / plan.doors_per_hour;
  for (double t = random.exponential(gap); t < plan.duration_s - 1;) {
    const double open = std::min(plan.duration_s - .2, t + random.uniform(2, 9));
    plan.events.push_back(device_switch("room.door", t, "door", true));
    plan.events.push_back(device_switch("room.door", open, "door", false));
    t = std::max(open + .5, t + random.exponential(gap));
  }
}

}  // namespace

void plan_room(Plan& plan) {
  plan_alarms(plan);
  plan_doors(plan);
}

}  // namespace casebox::recorder::sim::internal
