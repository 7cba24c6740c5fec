#pragma once

// A protocol of 27 places (sequence, any order, choice, option, loop) and cases played on it, each
// disturbed one to four times (left out, put in, exchanged) and all different: what conformance
// figures are measured on.
//
// Thread safety: pure functions; the same seed gives the same cases on any machine.

#include <cstdint>

#include "analytics/event_log.h"
#include "analytics/protocol/norm.h"

namespace casebox::tools::bench {

analytics::protocol::Norm measured_norm();
analytics::EventLog perturbed_cases(const analytics::protocol::Norm& norm, size_t cases,
                                    uint64_t seed);

}  // namespace casebox::tools::bench
