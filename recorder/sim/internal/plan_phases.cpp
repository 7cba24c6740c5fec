#include <algorithm>

#include "recorder/sim/internal/planner.h"

namespace casebox::recorder::sim::internal {
namespace {

// The last three phases as Cholec80's videos have them: packaging, cleaning, retraction in 4 of 5;
// else swapped, repeated or without cleaning.
std::vector<Phase> last_phases(Random& random) {
  const Phase bag = Phase::kPackaging, clean = Phase::kCleaning, out = Phase::kRetraction;
  const double u = random.uniform();
  if (u < 0.76) return {bag, clean, out};
  if (u < 0.85) return {clean, bag, out};
  if (u < 0.92) return {bag, out, clean};
  if (u < 0.97) return {bag, clean, out, clean};
  return {bag, out};
}

// Durations close to the limit are drawn again: whether they exceed it would be a matter of who
// looked.
double draw_duration(Random& random, const PhaseModel& model) {
  for (;;) {
    const double d = random.log_normal(model.mu, model.sigma);
    if (d >= 15 && d <= 0.9 * model.limit_s) return d;
  }
}

}  // namespace

void choose_faults(Plan& plan) {
  const Options& options = plan.options;
  if (options.clean) return;
  if (!options.faults.empty()) {
    plan.chosen = options.faults;
    return;
  }
  Random random(options.seed, "faults");
  auto take = [&](const char* name, double p) {
    if (random.chance(p)) plan.chosen.insert(name);
  };
  take("missing", .35);
  take("extra", .3);
  take("order", .25);
  take("time", .3);
  take("unobserved", .25);
  take("justified", .3);
  take("ambiguous", .25);
  take("clock-offset", 1);
  take("clock-drift", 1);
  take("clock-reset", .4);
  take("clock-broken", .35);
  take("dropout-known", .5);
  take("dropout-unknown", .5);
  take("loss", .4);
  take("duplicate", .4);
  take("reorder", .4);
  take("late-forecast", 1);
}

void plan_phases(Plan& plan) {
  const Options& options = plan.options;
  Random random(options.seed, "phases");
  std::vector<Phase> order = {Phase::kPreparation, Phase::kCalot, Phase::kClipping,
                              Phase::kDissection};
  for (Phase phase : last_phases(random)) order.push_back(phase);
  const bool unpacked = plan.has("phase-missing");
  if (unpacked) std::erase(order, Phase::kPackaging);
  const bool slow = plan.has("time");
  static constexpr Phase kSlow[] = {Phase::kPreparation, Phase::kClipping, Phase::kPackaging};
  const Phase over = kSlow[random.below(3)];

  double t = random.uniform(6, 9);
  for (Phase phase : order) {
    const PhaseModel& model = model_of(phase);
    double d = draw_duration(random, model);
    const double excess = random.uniform(1.3, 1.7);
    if (slow && phase == over) {
      d = model.limit_s * excess;
      plan.departures.push_back(
          {"time", to_string(phase), t + model.limit_s * options.duration_scale, "", true});
    }
    d *= options.duration_scale;
    plan.phases.push_back({phase, t, t + d});
    t += d;
    if (unpacked && phase == Phase::kDissection)
      plan.departures.push_back({"missing", to_string(Phase::kPackaging), t, "", true});
  }
  plan.duration_s = t + random.uniform(60, 110);
}

}  // namespace casebox::recorder::sim::internal
