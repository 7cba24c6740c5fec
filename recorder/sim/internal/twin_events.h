#pragma once

// The twin's messages: forecasts of two variables at three horizons, and what was shown to the
// team.

#include "recorder/sim/physiology.h"
#include "recorder/sim/room.h"

namespace casebox::recorder::sim::internal {

/// Counts into `truth`. Times are those at which a message is sent.
std::vector<TimedEvent> twin_events(const Plan& plan, const Physiology& body, TwinTruth& truth);

}  // namespace casebox::recorder::sim::internal
