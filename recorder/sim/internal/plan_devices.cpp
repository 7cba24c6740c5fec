#include <algorithm>
#include <cmath>

#include "recorder/sim/internal/planner.h"

namespace casebox::recorder::sim::internal {
namespace {

/// How a tool is used in a phase: share of the time, and mean length of one use in seconds
/// (Cholec80).
struct Use {
  double share;
  double length_s;
};

constexpr Use kUse[kPhases][kTools] = {
    // Grasper      Bipolar     Hook        Scissors    Clipper     Irrigator   SpecimenBag
    {{.45, 15}, {0, 0}, {0, 0}, {.03, 9}, {0, 0}, {0, 0}, {0, 0}},
    {{.78, 26}, {.02, 14}, {.82, 38}, {0, 0}, {0, 0}, {.03, 12}, {0, 0}},
    {{.67, 15}, {.02, 12}, {0, 0}, {.25, 16}, {.45, 20}, {0, 0}, {0, 0}},
    {{.56, 13}, {.03, 15}, {.80, 36}, {0, 0}, {0, 0}, {.04, 12}, {0, 0}},
    {{.76, 26}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {.80, 42}},
    {{.50, 13}, {.33, 14}, {0, 0}, {0, 0}, {0, 0}, {.50, 12}, {0, 0}},
    {{.36, 8}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {.40, 10}},
};

// The tool whose first use tells a team-mate that the phase has begun.
constexpr Tool kMarker[kPhases] = {Tool::kGrasper,    Tool::kHook,        Tool::kClipper,
                                   Tool::kHook,       Tool::kSpecimenBag, Tool::kIrrigator,
                                   Tool::kSpecimenBag};

void add_uses(Plan& plan, Random& random, const PhaseSpan& phase, int tool, double speed) {
  const Use use = kUse[static_cast<int>(phase.phase)][tool];
  if (use.share <= 0) return;
  const bool marker = kMarker[static_cast<int>(phase.phase)] == static_cast<Tool>(tool);
  const double jitter = std::min(5.0, (phase.end_s - phase.start_s) * .15);
  const double end = phase.end_s - random.uniform(0.1, 1) * jitter * .7;
  double t = phase.start_s + random.uniform(.15, 1) * jitter;
  if (!marker) t += random.exponential(use.length_s * (1 - use.share) / use.share) * speed;
  auto& spans = plan.tools[static_cast<size_t>(tool)];
  bool first = marker;
  while (t < end) {
    double on = std::max(1.5, random.exponential(use.length_s)) * speed;
    if (first) on = std::max(on, 12 * speed);
    first = false;
    const double off = std::min(end, t + on);
    if (off - t > 0.3) spans.push_back({t, off});
    t = off + std::max(1.0, random.exponential(use.length_s * (1 - use.share) / use.share)) * speed;
  }
}

void add_esu(Plan& plan, Random& random, double speed) {
  for (const Span& hook : plan.tools[static_cast<size_t>(Tool::kHook)]) {
    double t = hook.on_s + random.uniform(.3, 2) * speed;
    while (t + .5 < hook.off_s) {
      const double off = std::min(hook.off_s, t + random.uniform(.8, 4));
      plan.esu.push_back({t, off, random.chance(.3) ? 0 : 1});
      t = off + 1 + random.exponential(4);
    }
  }
  for (const Span& bipolar : plan.tools[static_cast<size_t>(Tool::kBipolar)]) {
    double t = bipolar.on_s + random.uniform(.3, 2) * speed;
    while (t + .5 < bipolar.off_s) {
      const double off = std::min(bipolar.off_s, t + random.uniform(1, 3));
      plan.esu.push_back({t, off, 1});
      t = off + 1 + random.exponential(3);
    }
  }
  std::sort(plan.esu.begin(), plan.esu.end(),
            [](const Span& a, const Span& b) { return a.on_s < b.on_s; });
  // One pedal at a time.
  std::vector<Span> kept;
  for (const Span& span : plan.esu)
    if (kept.empty() || span.on_s >= kept.back().off_s + .2) kept.push_back(span);
  plan.esu = kept;
}

void add_insufflation(Plan& plan, Random& random) {
  const double target = random.chance(.7) ? 12 : 14;
  const PhaseSpan& preparation = plan.phases.front();
  const double length = preparation.end_s - preparation.start_s;
  plan.pressure_target.push_back({0, 0});
  plan.pressure_target.push_back({preparation.start_s + length * random.uniform(.3, .6), target});
  for (size_t i = 0; i < plan.phases.size(); ++i) {
    const PhaseSpan& phase = plan.phases[i];
    const double jitter = std::min(6.0, (phase.end_s - phase.start_s) * .2) * random.uniform(.2, 1);
    if (phase.phase == Phase::kRetraction)
      plan.pressure_target.push_back({phase.start_s + jitter, 0});
    if (i > 0 && plan.phases[i - 1].phase == Phase::kRetraction)
      plan.pressure_target.push_back({phase.start_s + jitter, target});
  }
  const double last = plan.phases.back().end_s;
  if (plan.pressure_target.back().value > 0)
    plan.pressure_target.push_back({last + random.uniform(.5, 3), 0});
}

// Instrument recognition that errs: 10 % of uses missed, and short false ones.
void add_recognition_noise(Plan& plan) {
  Random random(plan.options.seed, "instrument-noise");
  for (auto& spans : plan.tools) {
    std::erase_if(spans, [&](const Span&) { return random.chance(.1); });
    double t = random.exponential(300);
    while (t < plan.duration_s) {
      spans.push_back({t, t + random.uniform(1, 4)});
      t += random.exponential(300);
    }
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.on_s < b.on_s; });
    std::vector<Span> kept;
    for (const Span& span : spans)
      if (kept.empty() || span.on_s > kept.back().off_s + .1) kept.push_back(span);
    spans = kept;
  }
}

}  // namespace

TimedEvent device_switch(const std::string& stream, double t_s, const std::string& code, bool on) {
  TimedEvent out{stream, t_s, {}};
  out.event.mutable_device()->set_code(code);
  out.event.mutable_device()->set_on(on);
  return out;
}

void plan_devices(Plan& plan) {
  Random random(plan.options.seed, "devices");
  const double speed = std::clamp(plan.options.duration_scale, .05, 1.0);
  for (const PhaseSpan& phase : plan.phases)
    for (int tool = 0; tool < kTools; ++tool) add_uses(plan, random, phase, tool, speed);
  add_esu(plan, random, speed);
  add_insufflation(plan, random);
  plan.light.push_back({plan.phases.front().start_s + random.uniform(.2, 1.5),
                        plan.phases.back().end_s + random.uniform(.3, 2.5)});
  if (plan.has("instrument-noise")) add_recognition_noise(plan);
  for (int tool = 0; tool < kTools; ++tool) {
    const std::string code = std::string("instrument.") + to_string(static_cast<Tool>(tool));
    for (const Span& span : plan.tools[static_cast<size_t>(tool)]) {
      plan.events.push_back(device_switch("instrument.use", span.on_s, code, true));
      plan.events.push_back(device_switch("instrument.use", span.off_s, code, false));
    }
  }
  for (double t = 1; t < plan.duration_s; t += 10) {
    TimedEvent state{"anaesthesia.state", t, {}};
    state.event.mutable_device()->set_code("state");
    state.event.mutable_device()->set_text("ventilating");
    plan.events.push_back(state);
  }
  const double agent = random.uniform(1.6, 2.4);
  for (double t = 2; t < plan.duration_s; t += 60) {
    TimedEvent mode{"anaesthesia.state", t, {}};
    mode.event.mutable_device()->set_code("vent.mode");
    mode.event.mutable_device()->set_text("volume-control");
    plan.events.push_back(mode);
    TimedEvent setting{"anaesthesia.state", t + .5, {}};
    setting.event.mutable_device()->set_code("agent.setting");
    setting.event.mutable_device()->set_number(std::round(agent * 10) / 10);
    setting.event.mutable_device()->set_unit("%");
    plan.events.push_back(setting);
  }
}

}  // namespace casebox::recorder::sim::internal
