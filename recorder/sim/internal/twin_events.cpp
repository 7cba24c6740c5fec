#include "recorder/sim/internal/twin_events.h"

#include <cmath>

#include "recorder/sim/random.h"

namespace casebox::recorder::sim::internal {
namespace {

struct Variable {
  const char* name;
  const char* unit;
  const Reverting* model;
};

void fill_model(v1::TwinModel& model, uint64_t seed) {
  model.set_twin_id("patient-twin");
  model.set_model("mean-reverting-haemodynamics");
  model.set_version("1.0");
  model.set_run("run-" + std::to_string(seed));
}

int64_t ns(double t_s) { return static_cast<int64_t>(std::llround(t_s * 1e9)); }

}  // namespace

std::vector<TimedEvent> twin_events(const Plan& plan, const Physiology& body, TwinTruth& truth) {
  Random random(plan.options.seed, "twin");
  std::vector<TimedEvent> out;
  const Variable variables[] = {{"monitor.numerics/ART_M", "mm[Hg]", &body.mean_pressure},
                                {"monitor.numerics/HR", "/min", &body.heart_rate}};
  for (double t = 10; t < plan.duration_s - 1; t += 10) {
    for (const Variable& variable : variables) {
      const double now = Physiology::at(variable.model->reading, kNumericInterval, t);
      for (double horizon : {30.0, 60.0, 120.0}) {
        const double valid = t + horizon;
        double issued = t + random.uniform(.05, .2);
        const bool late = random.chance(plan.late_share);
        const double delay = random.uniform(3, 20);
        if (late) issued = valid + delay;
        if (valid >= plan.duration_s - 1 || issued >= plan.duration_s - .5) continue;
        TimedEvent event{"twin.forecast", issued, {}};
        v1::TwinForecast& forecast = *event.event.mutable_forecast();
        fill_model(*forecast.mutable_model(), plan.options.seed);
        forecast.set_kind(v1::TWIN_KIND_FORECAST);
        forecast.set_t_issued_ns(ns(issued));
        forecast.set_t_valid_ns(ns(valid));
        forecast.set_variable(variable.name);
        forecast.set_unit(variable.unit);
        forecast.set_value(std::round(variable.model->forecast(now, horizon) * 100) / 100);
        forecast.set_sd(std::round(variable.model->forecast_sd(horizon) * 1000) / 1000);
        out.push_back(event);
        ++truth.forecasts;
        truth.late += late;
      }
    }
  }
  for (double t = random.uniform(20, 60); t < plan.duration_s - 40; t += random.uniform(120, 300)) {
    TimedEvent event{"twin.forecast", t, {}};
    v1::TwinShown& shown = *event.event.mutable_shown();
    shown.set_message("forecast:monitor.numerics/ART_M");
    shown.set_display("anaesthesia-workstation");
    shown.set_role("anaesthetist");
    shown.set_t_on_ns(ns(t));
    shown.set_t_off_ns(ns(t + random.uniform(10, 35)));
    out.push_back(event);
    ++truth.shown;
  }
  return out;
}

}  // namespace casebox::recorder::sim::internal
