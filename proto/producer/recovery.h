#pragma once

// Finishing an epoch that a crash ended: one gap of unknown count per stream, a close frame with
// reason `recovered`, a last beat, all under the same epoch (FRAME: "After a crash").
//
// Thread safety: free function; nobody else may have the log open.

#include <filesystem>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/log/log.h"
#include "proto/seal/seal.h"

namespace casebox::producer {

struct RecoveredStream {
  StreamId stream;
  std::string name;
  uint64_t last_number = 0;   // last number before the gap; 0 items if `items` is 0
  uint64_t items = 0;         // items recovered from drafts; 0 until there are drafts
  double lost_at_most_s = 0;  // bound on what the crash cost this stream
};

struct EpochRecovery {
  log::Recovery log;
  bool finished_epoch = false;  // false: the log was clean
  CaseId case_id;
  Epoch epoch;
  std::vector<RecoveredStream> streams;
};

/// Repairs the log (log::recover), then, if its last case has no close frame, finishes the epoch
/// with `key`, which must be the key that signed it (kDenied otherwise: the log is repaired all the
/// same).
Result<EpochRecovery> recover(const std::filesystem::path& log_dir, const seal::SigningKey& key,
                              Clock& clock);

}  // namespace casebox::producer
