#pragma once

// One case being written: its epoch, the streams of its sources, clock records and beats. The
// recorder and the import drive the same Session, one in real time, the other as fast as the disk
// allows. Items come with the room's time (recorder/room_time.h) and get case time here; every
// other time that a Session is given or gives is case time.
//
// Thread safety: one thread owns a Session.
// Errors: take() and tick() return kNoSpace or kIo while the log cannot be written; nothing is lost
// by calling them again, and blocked() tells that frames wait.
// Lifetime: log and clock outlive the Session.

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/keyring/producer_keys.h"
#include "proto/log/log.h"
#include "proto/producer/producer.h"
#include "recorder/recorder.h"
#include "recorder/room_time.h"
#include "recorder/sequencer.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

/// A case that was cut off and goes on in another epoch: the same case, clock and key.
struct GoingOn {
  v1::CaseFrame open;               // of the epoch that was cut off
  Epoch epoch;                      // that one
  CaseTime cut;                     // where it ended
  CaseTime now;                     // where this one begins
  std::vector<v1::Stream> streams;  // as they stand in its log: names that are known words
  std::string reason = "restart";   // of the gap between
};

struct SessionOptions {
  v1::RecorderConfig config;
  /// Of the epoch, and so whose signing key signs it.
  v1::ProducerRole role = v1::PRODUCER_ROLE_RECORDER;
  std::string software;
  FrameLimits limits;
  UtcTime start_utc;  // of case time zero; 0: not known
  uint64_t start_utc_u95_ns = 0;
  bool wall_clock = true;  // clock records map to UTC; not for imports
  Digest source_digest{};  // import
  uint32_t log_file_size = 128u << 20;
  std::array<uint8_t, 16> boot_id{};
  RoomTime zero;  // where case time zero lies
  /// The same on the machine's clock: clock records are true of their own case time.
  std::optional<MonoTime> mono_zero;
  std::optional<GoingOn> going_on;
};

class Session {
 public:
  /// Takes a case key, begins the epoch.
  static Result<std::unique_ptr<Session>> open(SessionOptions options, keyring::ProducerKeys& keys,
                                               log::Writer& log, Clock& clock);
  ~Session();

  /// A source that the configuration names, before it has delivered anything. Returns its index.
  size_t expect(const v1::SourceConfig& source);
  /// Registers a source's streams, or again after it came back: those known by name keep their lane
  /// and numbers. Outages of its events end at `now`, those of samples and media with their next
  /// item. `live`: silence is a loss. Returns the source's index; an error leaves all as it was.
  Result<size_t> add_source(const std::string& name, const std::vector<v1::Stream>& streams,
                            bool live = false, CaseTime now = {});
  /// A stream of the recorder's own, e.g. details; `lane` for put().
  Result<size_t> add_stream(v1::Stream stream);
  bool has_kind(v1::StreamKind kind) const;

  /// An item of a source, by its own stream index.
  Result<void> take(size_t source, Item item);
  /// The same, lost: counted into a gap.
  Result<void> drop(size_t source, Item item, v1::Gap::Origin origin, const char* reason);
  Result<void> put(size_t lane, Item item) { return sequencer_->put(lane, std::move(item)); }
  /// From here on a source delivers nothing: on each of its streams a gap of unknown count from
  /// the end of its last item to the beginning of its next one, or to the end of the case. Of a
  /// source that has brought no stream yet, on the one that is expected of it
  /// (recorder/expected.h).
  /// `seen`: it is known to be away; else it is only slow to begin, and no gap if it begins in
  /// time.
  Result<void> away(size_t source, v1::Gap::Origin origin, const std::string& reason,
                    bool seen = true);
  bool has_streams(size_t source) const { return !sources_[source].lanes.empty(); }
  /// A live source has told its own end; if the case goes on without it, that is a gap.
  void ended(size_t source) { sources_[source].ended = true; }
  /// What a source's clocks say; a reset gives the streams concerned a new clock id.
  Result<void> clocks(size_t source, const std::vector<ClockState>& states, CaseTime now);

  /// What a source's clocks had said before the case began: resets of then are none of it.
  void begin_clocks(size_t source, const std::vector<ClockState>& states);
  /// Room time to case time.
  CaseTime case_time(RoomTime t) const { return t - (options_.zero - RoomTime{}); }
  /// The place of an item, by its case time and length.
  Item placed(const Item& item) const;
  /// Consent by the configuration's codes, as it is from `t` on; nothing is written for none.
  /// kInvalidArgument for a word that is no scope.
  Result<void> consent(const std::vector<std::string>& scopes, v1::ConsentGiver by, CaseTime t);
  /// Recording stops, or goes on, by somebody's wish; the frames before are closed.
  Result<void> pause(const v1::Pause& pause, CaseTime t);

  /// Closes frames that are due, beats, writes clock records, syncs: call it often.
  Result<void> tick(CaseTime now);
  /// Declares what is missing up to `end`, closes all frames, then the epoch. `goes_on`: the case
  /// is not over and another epoch will follow: its epoch is signed up to there and left open, for
  /// producer::leave() to finish once the log is closed.
  Result<void> close(CaseTime end,
                     v1::CloseFrame::Cause cause = v1::CloseFrame::CAUSE_SOURCES_ENDED,
                     bool goes_on = false);

  bool blocked() const { return sequencer_->blocked(); }
  bool balances() const { return sequencer_->balances(); }
  CaseId case_id() const { return producer_->case_id(); }
  Epoch epoch() const { return producer_->epoch(); }
  size_t keys_left() const { return keys_left_; }
  bool key_reused() const { return key_reused_; }
  uint64_t frames() const { return sequencer_->frames(); }
  uint64_t items() const { return sequencer_->items(); }
  uint64_t bytes() const;
  const v1::Stream& stream(size_t source, size_t index) const;
  /// Counts of every stream, `source` empty for the recorder's own.
  std::vector<StreamCount> counts() const;
  /// What was lost, by stream and reason. What a simulated room planted is its truth and no loss.
  std::vector<Loss> losses() const;
  /// Where the latest item began, and where the last one to end ends.
  CaseTime latest() const { return latest_; }
  CaseTime latest_end() const { return latest_end_; }

 private:
  struct Outage {
    v1::Gap::Origin origin;
    std::string reason;
    bool seen = true;
  };
  /// A stream as its source delivers it.
  struct Delivery {
    CaseTime end;                // of its last item
    CaseTime last;               // where that began
    Duration spacing;            // from one item to the next, a running mean
    bool heard = false;          // an item came
    bool told = false;           // or a gap did
    uint64_t items = 0;          // in a row, since the last outage
    std::optional<Outage> away;  // since `end`
  };
  struct Origin {
    std::string name;
    v1::SourceConfig config;
    bool live = false;
    bool ended = false;
    std::vector<size_t> lanes;
    std::map<uint32_t, uint32_t> clock_ids;  // the source's own -> the case's
    std::map<uint32_t, uint32_t> resets;
    std::vector<ClockState> clocks;
  };
  Session() = default;
  Origin& origin_of(const std::string& name);
  void to_case_time(Item& item) const;
  v1::Stream with_id(v1::Stream stream) const;
  std::string free_name(const std::string& wanted) const;
  Delivery& delivery(size_t lane);
  Result<void> gap(size_t lane, const Outage& why, CaseTime until);
  bool brought_nothing(const Origin& origin) const;
  Result<void> before(const Origin& origin, size_t lane, const Item& item);
  void after(size_t lane, const Item& item);
  static Duration patience(const Delivery& at);
  /// The machine's clock at a case time.
  MonoTime mono_at(CaseTime t) const;
  Result<void> clock_record(CaseTime t);

  SessionOptions options_;
  log::Writer* log_ = nullptr;
  Clock* clock_ = nullptr;
  std::unique_ptr<producer::Producer> producer_;
  std::unique_ptr<Sequencer> sequencer_;
  std::vector<Origin> sources_;
  std::vector<Delivery> deliveries_;  // by lane
  CaseTime latest_, latest_end_;
  uint32_t next_clock_ = 1;
  size_t keys_left_ = 0;
  bool key_reused_ = false;
  int64_t next_beat_ns_ = 0;
  uint64_t next_beat_frames_ = 0;  // of an import
  CaseTime flushed_;
  log::Offset began_;
  int64_t last_utc_minus_mono_ = 0;
};

/// How far UTC may be from the machine's wall clock, ns, as its time service says; a day where
/// nothing keeps the clock.
uint64_t wall_clock_u95_ns();

}  // namespace casebox::recorder
