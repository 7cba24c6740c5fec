#pragma once

// The ingest loop: bus -> validate -> one atomic append (steps 6 and 7 of a record's path). Every
// delivery ends in exactly one of: stored, known already (same bytes), or quarantined with a
// reason. Rows, case records and bus offsets are one write, so a restart resumes where the
// store stands.
//
// It needs no key: what is checked here is in the clear.
//
// Thread safety: one thread owns an Ingest.
// Errors: kUnavailable (broker away) and kNoSpace are for the caller to wait out: call again;
// nothing is lost and nothing doubled. kCorrupt from the store is final. Lifetime: everything
// passed to `open` outlives the Ingest.

#include <cstdint>
#include <memory>
#include <vector>

#include "ingest/bus/bus.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "storage/store.h"

namespace casebox::ingest {

struct Options {
  size_t commit_frames = 2000;
  size_t commit_bytes = 4u << 20;
  Duration commit_after = milliseconds(20);
  Duration media_commit_after = milliseconds(200);  // when a batch holds media alone
};

/// Since `open`.
struct Progress {
  uint64_t frames = 0;      // stored
  uint64_t bytes = 0;       // of stored frames
  uint64_t duplicates = 0;  // same identity, same bytes: ignored
  uint64_t quarantined = 0;
  uint64_t equivocations = 0;  // of those: the numbers were stored already with other bytes
  uint64_t drafts = 0;         // live in logs only: ignored
  uint64_t commits = 0;
};

class Ingest {
 public:
  /// Resumes `subscriber` at the stored offsets. `store` is open for writing.
  static Result<std::unique_ptr<Ingest>> open(bus::Subscriber& subscriber, storage::Store& store,
                                              Clock& clock, Options options = {});
  ~Ingest();

  /// Handles what comes until a commit is due or nothing came within `timeout`, and commits.
  /// Returns how many deliveries were handled.
  Result<size_t> run_once(Duration timeout);
  /// Runs until nothing comes within `idle`; everything is committed then.
  Result<void> drain(Duration idle);
  /// Commits what is pending.
  Result<void> commit();

  /// Operations whose end was committed since the last call, in that order. Studies are not among
  /// them, nor what was closed before `open`: the case records tell of those.
  std::vector<CaseId> take_closed();

  const Progress& progress() const;

 private:
  Ingest();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::ingest
