#pragma once

// One case while it is recorded: what the sources say goes into its Session, as far as the disk
// takes it. `record` has one from its beginning to its end, an appliance one after the other.
//
// Thread safety: the writer's thread. Errors: trouble with the disk is waited out and told by
// disk_full(); only open() and close() fail. Lifetime: log, ladder and clock outlive it.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "recorder/disk_ladder.h"
#include "recorder/inbox.h"
#include "recorder/internal/heartbeat.h"
#include "recorder/session.h"

namespace casebox::recorder::internal {

class CaseRecording {
 public:
  /// Opens the case and expects its sources. `live`: devices that say nothing are looked for.
  static Result<std::unique_ptr<CaseRecording>> open(SessionOptions options, bool live,
                                                     keyring::ProducerKeys& keys, log::Writer& log,
                                                     DiskLadder& ladder, Clock& clock);

  /// The consent of the configuration; a simulated room brings its own.
  Result<void> write_consent();
  /// What a source says; `now` in case time.
  void handle(Message message, CaseTime now);
  /// From here on until resume() nothing that reaches into the pause is recorded; it is counted.
  Result<void> pause(const v1::Pause& pause, CaseTime t);
  Result<void> resume(const v1::Pause& pause, CaseTime t);
  /// An event of the recorder's own, in the stream `recorder.events`.
  void say(const std::string& code, const std::string& text, CaseTime t);

  void tick(CaseTime now);
  /// Once a second: accounts, and devices that have said nothing yet.
  void watch();
  /// Declares what is missing and closes the case, waiting some seconds for a full disk.
  Result<void> close(CaseTime end, v1::CloseFrame::Cause cause, bool goes_on = false);

  /// What of a summary the case itself knows.
  Summary summary(CaseTime end) const;
  Session& session() { return *session_; }
  const Session& session() const { return *session_; }
  /// Trouble that a call of the session reported.
  void after(const Result<void>& done);
  bool disk_full() const { return disk_full_; }
  bool balanced() const { return balanced_; }
  bool taken(size_t source) const { return taken_[source]; }
  const std::vector<SourceState>& refused() const { return refused_; }

 private:
  struct Paused {
    CaseTime from;
    std::optional<CaseTime> until;
  };
  CaseRecording(DiskLadder& ladder, Clock& clock) : ladder_(ladder), clock_(clock) {}
  void take(size_t source, Item item);
  void take_paused(size_t source, const Item& item);
  void tell_paused(size_t source, std::optional<size_t> stream = std::nullopt);
  bool in_pause(const Item& item) const;
  const std::string& name(size_t source) const;

  DiskLadder& ladder_;
  Clock& clock_;
  v1::RecorderConfig config_;
  bool live_ = false;
  std::unique_ptr<Session> session_;
  std::vector<bool> taken_;                       // by source: its streams fit, its items are taken
  std::vector<SourceState> refused_;              // sources whose streams did not fit
  std::set<std::pair<size_t, size_t>> need_key_;  // video after a loss
  std::vector<Paused> pauses_;
  std::map<std::pair<size_t, size_t>, v1::Gap> paused_;  // not told yet, in room time
  std::optional<size_t> own_lane_;                       // recorder.events
  bool disk_full_ = false;
  bool balanced_ = true;
  MonoTime next_retry_;
};

/// How a case of this configuration begins now, on this machine.
SessionOptions session_options(const v1::RecorderConfig& config, const std::string& software,
                               const log::WriterOptions& log, Clock& clock);

/// Makes the folder of the spool, and puts its log in order after a crash. `told`: of an epoch that
/// had to be finished.
Result<std::optional<producer::LastCase>> recover_spool(
    const std::filesystem::path& dir, keyring::ProducerKeys& keys, Clock& clock,
    const std::function<void(const producer::EpochRecovery&)>& told);

}  // namespace casebox::recorder::internal
