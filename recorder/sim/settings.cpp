#include "recorder/sim/settings.h"

namespace casebox::recorder::sim {

Options options_of(const v1::SimulatorConfig& config, const std::string& procedure) {
  Options options;
  if (!procedure.empty()) options.procedure = procedure;
  options.seed = config.seed();
  if (config.duration_scale() != 0) options.duration_scale = config.duration_scale();
  options.clean = config.clean();
  options.faults.insert(config.faults().begin(), config.faults().end());
  options.phase_marks = !config.no_phase_marks();
  options.video = !config.no_video();
  return options;
}

v1::SimulatorConfig settings_of(const Options& options) {
  v1::SimulatorConfig config;
  config.set_seed(options.seed);
  config.set_duration_scale(options.duration_scale);
  config.set_clean(options.clean);
  for (const std::string& fault : options.faults) config.add_faults(fault);
  config.set_no_phase_marks(!options.phase_marks);
  config.set_no_video(!options.video);
  return config;
}

}  // namespace casebox::recorder::sim
