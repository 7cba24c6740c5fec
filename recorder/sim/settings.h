#pragma once

// Between a recorder's settings and the simulator's options.
//
// Thread safety: free functions.

#include <string>

#include "casebox/v1/config.pb.h"
#include "recorder/sim/plan.h"

namespace casebox::recorder::sim {

/// Options of a source of type "simulator"; make_plan checks them.
Options options_of(const v1::SimulatorConfig& config, const std::string& procedure);
/// The settings that give the same options.
v1::SimulatorConfig settings_of(const Options& options);

}  // namespace casebox::recorder::sim
