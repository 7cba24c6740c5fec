#pragma once

// All cases of a log against one norm, on several threads.
//
// The results, their order and every number in them are the same for any number of threads and any
// order of the cases: equal sequences are aligned once, each by one thread, and nothing that a
// search finds depends on searches before it.
//
// Thread safety: a pure function; norm and log are only read. `progress` is called on the caller's
// thread. Errors: kInvalidArgument (Conformer::create's), kInternal when memory ends.

#include <functional>
#include <span>

#include "analytics/conformance/conform.h"

namespace casebox::analytics::conformance {

struct Totals {
  int64_t cost = 0;
  int64_t fitness_den = 0;  // sum of the cases'
  double fitness_sum = 0;
  uint64_t fitting = 0;  // exact, and of no cost
  uint64_t inexact = 0;  // their budget ended
  uint64_t ignored_events = 0;
};

struct LogResult {
  std::vector<CaseResult> cases;  // as in the log
  Totals totals;
  uint64_t variants = 0;  // distinct sequences of steps
  int64_t shortest_model_cost = 0;

  /// Mean over cases, and of the summed costs; 1 without cases.
  double fitness_mean() const;
  double fitness_pooled() const;
};

/// `threads`: 0 is taken as 1. `seen`: of each trace, what could be seen of it; empty: everything
/// is taken as seen (Observability's default).
Result<LogResult> conform_log(const protocol::Norm& norm, const EventLog& log,
                              const Options& options, unsigned threads = 1,
                              const std::function<void(size_t done)>& progress = {},
                              std::span<const Observability> seen = {});

}  // namespace casebox::analytics::conformance
