#pragma once

// The time line of a room: the machine's monotonic clock, counted from where the recorder began.
// Sources, inbox and ring live on it. A recording of one case has its case time zero there too; in
// an appliance each case has a zero of its own, and its Session takes that off every item.

#include "proto/base/time.h"

namespace casebox::recorder {

using RoomTime = CaseTime;

}  // namespace casebox::recorder
