#pragma once

// What ingest knows of a case: its record, and where the chains of its open epochs stand. Loaded
// from the store, written back with frames.
//
// Only what costs nothing for an honest bus is kept in memory; what a forgery makes necessary is
// read again from the store.
//
// Thread safety: one thread. Errors: those of the store. Pointers to epochs and streams hold as
// long as the CaseState.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "ingest/internal/tiling.h"
#include "proto/frame/frame.h"
#include "storage/store.h"

namespace casebox::ingest {

storage::Table table_of(v1::StreamKind kind);

struct StreamState {
  StreamId id;
  v1::StreamRecord* record = nullptr;
  bool loaded = false;
  Position chain;                     // over what is stored without a hole
  Position confirmed;                 // the last place at which it met a beat whose signature holds
  std::deque<Position> signed_ahead;  // what beats say of places it has not met
  std::map<uint64_t, uint64_t> islands;  // [first, next) stored beyond a hole
  std::vector<storage::Placed> fresh;    // rows of the open batch
  bool working = false;                  // in CaseState::work

  bool overlaps(uint64_t first, uint64_t next) const;
  /// Whether a frame there begins a stretch of its own.
  bool makes_island(uint64_t first, uint64_t next) const;
  void add_island(uint64_t first, uint64_t next);
  void set_chain(const Position& to);
};

struct EpochState {
  Epoch id;
  ProducerId producer;
  v1::EpochRecord* record = nullptr;
  bool derived = false;
  StreamState control;
  std::map<uint32_t, StreamState> streams;  // those that a stream frame named
  uint32_t beats_unchecked = UINT32_MAX;    // since a signature was verified
  bool contested = false;                   // other bytes for its numbers are in quarantine
  std::optional<uint64_t> close_number;     // of a close frame that no beat covers yet
  v1::CloseFrame close;
  Digest close_leaf{};                                     // of that frame
  std::optional<std::pair<v1::Beat, uint64_t>> last_beat;  // verified, and its number
  bool ended = false;                                      // a beat covers its close frame
  std::map<uint32_t, uint64_t> limits;  // when ended: one past what was signed, by stream

  StreamState* find(StreamId stream);
  uint64_t limit(StreamId stream) const;
};

class CaseState {
 public:
  static Result<std::unique_ptr<CaseState>> load(CaseId id, v1::CaseRecord record,
                                                 storage::Shard& shard);

  EpochState* find(Epoch epoch);
  /// A new epoch with what its opening says; the first of a case says what it is a case of.
  EpochState& add(Epoch epoch, const v1::CaseFrame& open);
  /// Reads where a stream's chain stands, unless that is known.
  Result<void> ensure(EpochState& epoch, StreamState& stream);
  /// Moves the chain on over frames that came before those in front of them. Everything is written.
  Result<void> follow(EpochState& epoch, StreamState& stream);
  /// The chain again from the last place that was signed: rows were taken away or exchanged.
  Result<void> follow_anew(EpochState& epoch, StreamState& stream);

  /// Counts a frame that is being stored and moves its chain.
  void count(const frame::View& frame, StreamState& stream, const storage::Placed& placed);
  /// Of a frame that is taken away.
  void uncount(const frame::View& frame, StreamState& stream);
  /// What the record took from frames that were taken away since, from all that is left.
  Result<void> read_anew();
  /// Names a stream; false when its kind would send its frames to other rows than before.
  bool name_stream(EpochState& epoch, v1::Stream entry);
  void forget_stream(EpochState& epoch, StreamId stream);
  void add_work(EpochState& epoch, StreamState& stream);
  /// Sets the state from the close frames and the places reached.
  void update_state();

  CaseId id() const { return id_; }
  v1::CaseRecord& record() { return record_; }
  storage::Shard& shard() { return *shard_; }

  /// Epochs whose close was reached: for the store's ledger. Whoever writes takes them.
  struct Covered {
    Epoch epoch;
    v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;
    Digest leaf{};  // of the close frame
  };
  std::vector<Covered> covered;

  bool dirty = false;         // the record is to be written
  bool listed = false;        // in Intake's list of those that a commit looks at
  bool just_closed = false;   // set by update_state; whoever commits takes it
  bool waiting = false;       // rows of it may wait in quarantine
  bool consent_lost = false;  // a frame that told of consent was taken away
  bool times_lost = false;    // one that was the first or the last
  uint64_t used = 0;          // for the least recently used
  std::vector<std::pair<EpochState*, StreamState*>> work;  // to be looked at when all is written
  std::vector<StreamState*> fresh;                         // with rows in the open batch

  /// Looks for the frame that ends an epoch behind the last of its control chain.
  Result<void> load_end(EpochState& epoch);

 private:
  Result<void> read_consent_anew();
  Result<void> read_times_anew();
  CaseState(CaseId id, v1::CaseRecord record, storage::Shard* shard)
      : id_(id), record_(std::move(record)), shard_(shard) {}
  EpochState* adopt(v1::EpochRecord& record);
  bool meets_close(const v1::EpochRecord& epoch) const;

  CaseId id_;
  v1::CaseRecord record_;
  storage::Shard* shard_;
  std::map<uint64_t, EpochState> epochs_;
};

}  // namespace casebox::ingest
