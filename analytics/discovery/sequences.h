#pragma once

// Every case of a log as the plain sequence of its activities, side by side in one array: what
// discovery reads, several times, without the log's own events.
//
// Thread safety: pure functions; a finished value may be shared.
// Lifetime: refers to nothing. Case i is trace i of the log.

#include <span>
#include <string>
#include <vector>

#include "analytics/event_log.h"

namespace casebox::analytics::discovery {

struct Sequences {
  std::vector<ActivityId> steps;  // of all cases, one case behind the other
  std::vector<size_t> begins;     // of each case in `steps`, and the end of the last: cases + 1
  size_t activities = 0;          // ids are below this

  size_t cases() const { return begins.size() - 1; }
  std::span<const ActivityId> of(size_t c) const {
    return {steps.data() + begins[c], begins[c + 1] - begins[c]};
  }
};

/// Events in the order of `basis`, ties as the source has them.
Sequences sequences_of(const EventLog& log, OrderBasis basis);

/// The same of one case, which lasts until the next call with the same `scratch`.
std::span<const ActivityId> steps_of(const Trace& trace, OrderBasis basis,
                                     std::vector<ActivityId>& scratch);

/// Indices into a trace's events in that order; `scratch` is used again from call to call. Costs
/// nothing but a look at traces that are in order already.
std::span<const uint32_t> order_of(const Trace& trace, OrderBasis basis,
                                   std::vector<uint32_t>& scratch);

/// Rank of each activity's name among all, so that results do not depend on the order of reading.
std::vector<uint32_t> name_ranks(const std::vector<std::string>& activities);

}  // namespace casebox::analytics::discovery
