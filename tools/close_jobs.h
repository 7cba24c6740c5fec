#pragma once

// The jobs of cases as they close (docs/adr/066): `serve` and `ingest --analyze` tell it which
// cases ended, and let it run one case's jobs between two looks at the bus. Findings go to the
// store's analysis log and come into the store over the bus like everything else. Derived records
// and studies never start anything.
//
// A job that fails on a case is said once on standard error, by case id and kind of error, and kept
// as the job's run record (outcome "failed"); the other jobs of the case and all other cases go on.
// What a later try can mend (a full disk) is tried again; what needs a person (no key) waits for
// the next start.
//
// Thread safety: the StoreAccess's thread. Lifetime: the StoreAccess outlives it.

#include <cstdint>
#include <deque>
#include <set>

#include "tools/store_access.h"

namespace casebox::tools {

class CloseJobs {
 public:
  struct State {
    uint64_t analysed = 0;  // cases whose jobs were run, failed jobs included
    uint64_t failed = 0;    // cases with a job that failed, or that could not be opened
  };

  explicit CloseJobs(StoreAccess& access) : access_(access) {}

  /// Closed cases whose jobs were never run to the end, neither in the store nor in the analysis
  /// log: what closed while nobody looked.
  Result<void> catch_up();
  void add(CaseId id);
  bool waiting() const { return !queue_.empty(); }

  /// Runs the jobs of the case that waits longest; false: none waits. An error leaves it waiting.
  Result<bool> step();

  const State& state() const { return state_; }

 private:
  StoreAccess& access_;
  std::deque<CaseId> queue_;
  State state_;
};

}  // namespace casebox::tools
