#pragma once

// Finishing an epoch that a crash ended: one gap of unknown count per stream, a close frame with
// reason `recovered`, a last beat, all under the same epoch (docs/formats/frame.md). What was lost
// is computed from what is found, never from the settings: from the end of each stream's last item
// to the time by which the recorder was dead.
//
// Thread safety: free function; nobody else may have the log open.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/log/log.h"
#include "proto/seal/seal.h"

namespace casebox::producer {

struct RecoveredStream {
  StreamId stream;
  std::string name;
  uint64_t last_number = 0;  // last number before the gap; 0 items if `items` is 0
  uint64_t items = 0;        // items recovered from drafts; 0 until there are drafts
  CaseTime lost_from;  // the end of its last item; of events, not before 6 s ahead of the last beat
  CaseTime lost_until;   // the end of the declared gap
  bool bounded = false;  // false: the loss may go on behind it, nothing tells how far
  /// What was lost at most, s; meaningless where it is not bounded.
  double lost_s() const { return (lost_until - lost_from).seconds(); }
};

/// The newest case of a log: what is needed to go on with it, if it is not over.
struct LastCase {
  v1::CaseFrame open;  // of its newest epoch
  Epoch epoch;
  v1::CloseFrame::Reason reason = v1::CloseFrame::REASON_UNSPECIFIED;  // how that ended
  CaseTime end;                                                        // and where
  std::optional<MonoTime> zero;     // where case time zero lies, in the start of the machine that
                                    // `open` names; from its newest clock record
  std::vector<v1::Stream> streams;  // as the log shows them: names that are known words
};

struct EpochRecovery {
  log::Recovery log;
  bool finished_epoch = false;  // false: the log was clean
  CaseId case_id;
  Epoch epoch;
  CaseTime lived;  // the last proof of life: the newest frame, or the recorder's mark
  std::vector<RecoveredStream> streams;
  std::optional<LastCase> last;  // none: there is no case in the log
};

/// "at most 0.120 s lost, from 4.000 s on" or "lost from 4.000 s until unknown, ..."; for people.
std::string loss_text(const RecoveredStream& stream);

/// Repairs the log (log::recover), then, if its last case has no close frame, finishes the epoch
/// with `key`, which must be the key that signed it (kDenied otherwise: the log is repaired all the
/// same). `boot` is this start of the machine: a recorder that was killed in it is known to have
/// died by its mark (proto/log/alive.h); of one that went down with the machine only the last proof
/// of life is known, and the gap says `crash-unbounded`. Zeros: not known.
Result<EpochRecovery> recover(const std::filesystem::path& log_dir, const seal::SigningKey& key,
                              Clock& clock, const std::array<uint8_t, 16>& boot = {});

/// Finishes an epoch that its recorder left in good order, everything written and signed: nothing
/// is missing of it, and its case goes on in another epoch. The close frame has reason `recovered`
/// and cause `stopped`.
Result<void> leave(const std::filesystem::path& log_dir, const seal::SigningKey& key, Clock& clock);

}  // namespace casebox::producer
