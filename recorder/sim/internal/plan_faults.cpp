#include <cmath>

#include "recorder/sim/internal/planner.h"

namespace casebox::recorder::sim::internal {
namespace {

constexpr const char* kDevices[] = {"patient-monitor",
                                    "anaesthesia-machine",
                                    "electrosurgical-unit",
                                    "insufflator",
                                    "pump",
                                    "light-source",
                                    "motor",
                                    "instrument-tray",
                                    "room-sensors",
                                    "scope-camera",
                                    "room-camera",
                                    "twin",
                                    "team-tablet"};
// Twin and tablet run on machines that keep network time.
constexpr uint32_t kFirstSynchronised = 12;

void plan_clocks(Plan& plan) {
  Random random(plan.options.seed, "clocks");
  uint32_t id = 0;
  for (const char* device : kDevices) {
    DeviceClock clock{++id, device};
    const double offset = random.exponential(24 * 60) * (random.chance(.5) ? 1 : -1);
    const double drift = random.uniform(23, 80) * (random.chance(.5) ? 1 : -1);
    if (id >= kFirstSynchronised) {
      if (!plan.options.clean) clock.offset_s = random.normal(0, .002);
    } else {
      if (plan.has("clock-offset")) clock.offset_s = offset;
      if (plan.has("clock-drift")) clock.drift_ppm = drift;
    }
    plan.clocks.push_back(clock);
  }
  if (plan.has("clock-reset")) {
    static constexpr uint32_t kCan[] = {1, 2, 3, 4, 9};
    DeviceClock& clock = plan.clocks[kCan[random.below(5)] - 1];
    clock.reset_at_s = plan.duration_s * random.uniform(.2, .8);
    clock.reset_by_s = random.uniform(60, 1440) * (random.chance(.5) ? 1 : -1);
  }
  if (plan.has("clock-broken")) {
    static constexpr uint32_t kCan[] = {1, 2, 5, 9};
    DeviceClock& clock = plan.clocks[kCan[random.below(4)] - 1];
    clock.broken = true;
    clock.reset_at_s = -1;
    for (double t = random.exponential(8); t < plan.duration_s; t += 2 + random.exponential(8))
      clock.jumps.emplace_back(t, random.uniform(2, 30) * (random.chance(.5) ? 1 : -1));
  }
}

void plan_dropouts(Plan& plan) {
  Random random(plan.options.seed, "dropouts");
  auto add = [&](const char* stream, double length, bool known) {
    const double start = plan.duration_s * random.uniform(.2, .7);
    plan.dropouts.push_back({stream, start, start + length, known});
  };
  if (plan.has("dropout-known")) {
    static constexpr const char* kCan[] = {"monitor.ecg", "anaesthesia.waves", "monitor.pleth",
                                           "motor.state"};
    add(kCan[random.below(4)], random.uniform(5, 30), true);
  }
  if (plan.has("dropout-unknown")) {
    static constexpr const char* kCan[] = {"monitor.numerics", "room.sensors", "pump.state"};
    add(kCan[random.below(3)], random.uniform(10, 60), false);
  }
}

void plan_transports(Plan& plan) {
  Random random(plan.options.seed, "transports");
  static constexpr const char* kCan[] = {"room.sensors", "monitor.pleth", "pump.state",
                                         "motor.state", "anaesthesia.waves"};
  auto add = [&](double loss, double duplicate, double reorder) {
    plan.transports.push_back({kCan[random.below(5)], loss, duplicate, reorder});
  };
  if (plan.has("loss")) add(.05, 0, 0);
  if (plan.has("duplicate")) add(0, .03, 0);
  if (plan.has("reorder")) add(0, 0, .03);
  if (plan.has("late-forecast")) plan.late_share = random.uniform(.03, .08);
}

}  // namespace

void plan_faults(Plan& plan) {
  plan_clocks(plan);
  plan_dropouts(plan);
  plan_transports(plan);
}

}  // namespace casebox::recorder::sim::internal
