#pragma once

// The streams of the simulated room: names, channels, units, rates and device clocks (DOMAIN table,
// docs/simulator.md). Their order here is their index in items.
//
// Thread safety: free functions.

#include <vector>

#include "casebox/v1/stream.pb.h"
#include "recorder/sim/plan.h"

namespace casebox::recorder::sim {

/// Streams of a plan; `stream_id` stays 0 (the recorder numbers them). Units are UCUM, source time
/// is ns.
std::vector<v1::Stream> streams_of(const Plan& plan);
/// Index by name; -1 if there is none.
int index_of(const std::vector<v1::Stream>& streams, const std::string& name);
/// True for waves, numerics and twin series.
bool is_sampled(const v1::Stream& stream);

constexpr int kVideoWidth = 320;
constexpr int kVideoHeight = 180;
constexpr int kVideoRate = 10;  // pictures per second

}  // namespace casebox::recorder::sim
