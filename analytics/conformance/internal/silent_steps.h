#pragma once

// A net with the same language and fewer silent transitions, for searches in which those cost
// nothing: agglomeration (Berthelot 1987; Murata 1989, section V.C).
//
// A place goes when all that empties it is silent and asks for nothing else: what fills it does
// that at once. Or when all that fills it is silent and fills nothing else: what empties it does
// that before. Each pair of a transition before and one behind becomes one. Only places go that
// nothing marks in the beginning and no final marking holds, so that the same sequences of steps
// lead from the beginning to an end.
//
// Thread safety: a pure function. Limits: nets of more than 2,000 transitions come back as they
// are; others get at most twice their transitions and 32, and no transition more than 64 arcs on a
// side.

#include "analytics/protocol/net.h"

namespace casebox::analytics::conformance::internal {

protocol::Net without_needless_silence(const protocol::Net& net);

}  // namespace casebox::analytics::conformance::internal
