#pragma once

// One case as conformance looks at it: its events in order, by step.
//
// Thread safety: a finished view is immutable. Lifetime: log, trace and norm must outlive it.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytics/conformance/conform.h"
#include "analytics/conformance/internal/search.h"

namespace casebox::analytics::conformance::internal {

/// A norm with what every case needs of it.
struct NormIndex {
  explicit NormIndex(const protocol::Norm& norm);

  const protocol::Norm& norm;
  std::unordered_map<std::string, int32_t> step_of;  // kAlien never; kIgnored for ignored ones
  std::vector<bool> in_flow;                         // by step: a transition does it
};
constexpr int32_t kIgnored = -3;

/// An event of a step the norm knows.
struct Occurrence {
  uint32_t event;
  uint32_t step;
};

struct CaseView {
  CaseView(const NormIndex& index, const EventLog& log, const Trace& trace,
           const Observability& observability, OrderBasis basis);

  const LogEvent& event(uint32_t i) const { return trace.events[i]; }
  const std::string& activity(uint32_t i) const { return log.activities[trace.events[i].activity]; }
  /// The time that orders an event.
  int64_t time(uint32_t i) const {
    return basis == OrderBasis::kEnd ? trace.events[i].t1_ns : trace.events[i].t0_ns;
  }

  const EventLog& log;
  const Trace& trace;
  OrderBasis basis;
  Sequence sequence;                    // of the events the flow is about
  std::vector<uint32_t> events;         // their indices in the trace
  std::vector<Occurrence> occurrences;  // of all known steps, in order
  uint32_t ignored = 0;
  int64_t t0_ns = 0;  // span of the case
  int64_t t1_ns = 0;
};

}  // namespace casebox::analytics::conformance::internal
