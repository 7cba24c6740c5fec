#pragma once

// The ingest loop: bus -> validate -> one atomic append (steps 6 and 7 of a record's path). Every
// delivery ends in exactly one of: stored, known already (same bytes), or quarantined with a
// reason. Rows, case records and bus offsets are one write, so a restart resumes where the store
// stands. It needs no key: what is checked here is in the clear.
//
// The bus may say anything. A frame enters a case when its epoch was opened by a producer on the
// trust list and a beat signed for the opening; until then it waits in quarantine, and is taken in
// by itself. What was not signed never changes a case's record, state or list. No record stops the
// loop, and what a stranger can fill is bounded.
//
// Thread safety: one thread owns an Ingest.
// Errors: kUnavailable (broker away) and kNoSpace are for the caller to wait out: call again;
// nothing is lost and nothing doubled. kCorrupt from the store is final. Lifetime: everything
// passed to `open` but the trust list outlives the Ingest.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/bus/bus.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/trust/trust.h"
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
  uint64_t frames = 0;                      // stored
  uint64_t bytes = 0;                       // of stored frames
  uint64_t duplicates = 0;                  // same identity, same bytes: ignored
  uint64_t quarantined = 0;                 // and still there
  std::map<std::string, uint64_t> reasons;  // why, of all that went there
  uint64_t equivocations = 0;  // of those: other bytes for numbers that a producer used
  uint64_t requeued = 0;       // taken in from what was in quarantine before
  uint64_t mended = 0;         // stored again: their rows could not be read any more
  uint64_t drafts = 0;         // live in logs only: ignored
  uint64_t commits = 0;
};

/// Every reason that a row of a quarantine can have (docs/formats/store.md).
const std::vector<std::string>& quarantine_reasons();

/// Which rows of the quarantine are looked at once more.
struct RequeueOptions {
  std::string reason;  // empty: all
  std::optional<CaseId> case_id;
  bool refused = false;  // those alone for which another trust list may decide otherwise
  std::function<void(uint64_t rows)> progress;  // how many were looked at
};
/// What became of them, by the reason they had.
struct RequeueReport {
  struct Line {
    uint64_t taken_in = 0;
    uint64_t known = 0;      // the case has them
    uint64_t came_back = 0;  // to quarantine, for this reason or another
  };
  std::map<std::string, Line> reasons;
};

class Ingest {
 public:
  /// Resumes `subscriber` at the stored offsets. `store` is open for writing; the list is copied.
  static Result<std::unique_ptr<Ingest>> open(bus::Subscriber& subscriber, storage::Store& store,
                                              const trust::TrustList& trust, Clock& clock,
                                              Options options = {});
  ~Ingest();

  /// Handles what comes until a commit is due or nothing came within `timeout`, and commits.
  /// Returns how many deliveries were handled.
  Result<size_t> run_once(Duration timeout);
  /// Runs until nothing comes within `idle`; everything is committed then.
  Result<void> drain(Duration idle);
  /// Commits what is pending.
  Result<void> commit();

  /// Looks at rows of the quarantine once more, after somebody was enrolled, say. Commits.
  Result<RequeueReport> requeue(const RequeueOptions& what);
  /// From now on this list says who may say what; what the one before refused is looked at again.
  /// Epochs that are let in stay. After an error call it again.
  Result<RequeueReport> enrol(trust::TrustList trust);

  /// Operations whose end was committed since the last call, in that order. Studies are not among
  /// them, nor what was closed before `open`: the case records tell of those.
  std::vector<CaseId> take_closed();

  const Progress& progress() const;
  /// Cases of which something was stored since `open`; the first hundred thousand.
  std::vector<CaseId> touched() const;

 private:
  Ingest();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::ingest
