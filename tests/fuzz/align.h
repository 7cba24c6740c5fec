#pragma once

// What the fuzz targets of model files do with a model that was read.
//
// Thread safety: pure function.

#include "analytics/conformance/conform.h"

namespace casebox::testing {

/// Aligns a small case with it, within a small budget.
inline void align_within_budget(const analytics::protocol::Norm& norm) {
  if (norm.net.transitions.size() > 200) return;
  analytics::conformance::Options options;
  options.budget = options.max_markings = 2000;
  analytics::EventLog log;
  analytics::Trace trace;
  trace.events.resize(2);
  trace.events[0].activity = trace.events[1].activity = log.intern("a");
  (void)analytics::conformance::conform(norm, log, trace, {}, options);
}

}  // namespace casebox::testing
