#pragma once

// The jobs of cases as they close (docs/adr/066): `serve` and `ingest --analyze` tell it which
// cases ended, and go on taking in what comes; a thread of its own runs one case's jobs after the
// other. Findings go to the store's analysis log and come into the store over the bus like
// everything else. Derived records and studies never start anything.
//
// The thread reads the store through an opening of its own, read-only, beside the writer's.
//
// A job that fails on a case is said once on standard error, by case id and kind of error, and kept
// as the job's run record (outcome "failed"); the other jobs of the case and all other cases go on.
// What a later try can mend (a full disk) is tried again; what needs a person (no key) waits for
// the next start.
//
// Thread safety: any thread may call; start, stop and destroy from one.
// Errors: of `start`, kNotFound for a store without a keystore, and those of opening it.

#include <cstdint>
#include <memory>
#include <string>

#include "tools/store/store_access.h"

namespace casebox::tools {

class CloseJobs {
 public:
  struct State {
    uint64_t analysed = 0;  // cases whose jobs were run, failed jobs included
    uint64_t failed = 0;    // cases with a job that failed, or that could not be opened
    std::string trouble;    // what is being waited out; empty: nothing
  };

  /// Begins with a look for what closed while nobody looked. `writer` is the open store that
  /// findings are for.
  static Result<std::unique_ptr<CloseJobs>> start(const StoreAccess& writer);
  ~CloseJobs();

  /// Once the case's end is committed.
  void add(CaseId id);
  /// Looks for closed cases whose jobs were never run to the end, neither in the store nor in the
  /// analysis log: at a start, and when it may not have been said of all cases that they closed.
  void look_again();
  /// Whether a case waits or is at hand, or is being looked for.
  bool busy() const;
  State state() const;
  /// Ends after the case at hand; those that wait are met again at the next start.
  void stop();

 private:
  CloseJobs();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::tools
