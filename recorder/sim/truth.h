#pragma once

// truth.json: what happened in a simulated case, and what each device sent, told by the simulator
// itself. Analysis never sees it; tests and demonstrations compare with it (docs/simulator.md).
//
// Thread safety: free functions.

#include <string>

#include "recorder/sim/room.h"

namespace casebox::recorder::sim {

/// The document, indented, ending in a newline. Counts are complete once the room has been run to
/// its end.
std::string truth_json(const Room& room);

}  // namespace casebox::recorder::sim
