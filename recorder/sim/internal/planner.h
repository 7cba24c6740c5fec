#pragma once

// The steps of make_plan, one file each. Each draws from a Random of its own purpose.

#include "recorder/sim/plan.h"
#include "recorder/sim/random.h"

namespace casebox::recorder::sim::internal {

/// Which faults are in force: the asked ones, or a choice of the seed.
void choose_faults(Plan& plan);
/// Order and durations of phases; the time over a limit, if planted.
void plan_phases(Plan& plan);
/// Instruments, electrosurgery, insufflation, light: what devices will show of the phases.
void plan_devices(Plan& plan);
/// Steps of the team with their departures, checklists, consent, details.
void plan_team(Plan& plan);
/// Doors, alarms, episodes of physiology.
void plan_room(Plan& plan);
/// Device clocks, dropouts, transports.
void plan_faults(Plan& plan);

/// An event at a time.
TimedEvent device_switch(const std::string& stream, double t_s, const std::string& code, bool on);

}  // namespace casebox::recorder::sim::internal
