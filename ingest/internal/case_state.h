#pragma once

// What ingest knows of a case: its record and chains. Loaded from the store, written back
// with frames.
//
// Thread safety: one thread. Errors: kCorrupt for control bodies that do not parse (the frame is
// quarantined).

#include <map>
#include <utility>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "proto/frame/frame.h"
#include "storage/store.h"

namespace casebox::ingest {

storage::Table table_of(v1::StreamKind kind);

struct StreamState {
  v1::StreamRecord* record = nullptr;
  uint64_t end = 0;  // one past the highest number stored or in the batch
};

class CaseState {
 public:
  CaseState(CaseId id, v1::CaseRecord record, storage::Shard* shard)
      : id_(id), record_(std::move(record)), shard_(shard) {}

  v1::EpochRecord& epoch(Epoch epoch, ProducerId producer);
  Result<StreamState*> stream(const v1::EpochRecord& epoch, StreamId stream);

  /// Checks a frame's plain body before anything is written: an error is the reason to quarantine
  /// it.
  static Result<void> check(const frame::View& frame, CaseId id);

  /// Counts a frame that is being stored, moves the chain, takes in control bodies.
  void apply(const frame::View& frame, v1::EpochRecord& epoch, StreamState& stream,
             const Digest& leaf);

  /// After a commit: follows chains over frames that had come early.
  Result<void> follow_chains();
  /// Sets the state from the close frames and the numbers reached.
  void update_state();

  /// Epochs whose close was covered since the last call: for the store's ledger.
  struct Covered {
    Epoch epoch;
    v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;
    Digest leaf{};  // of the close frame
  };
  std::vector<Covered> take_covered() { return std::exchange(covered_, {}); }

  CaseId id() const { return id_; }
  v1::CaseRecord& record() { return record_; }
  storage::Shard& shard() { return *shard_; }

  bool dirty = false;
  bool just_closed = false;  // set by update_state; whoever commits takes it

 private:
  void apply_control(const frame::View& frame, v1::EpochRecord& epoch);
  Digest close_leaf(Epoch epoch) const;

  CaseId id_;
  v1::CaseRecord record_;
  storage::Shard* shard_;
  std::map<std::pair<uint64_t, uint32_t>, StreamState> streams_;
  std::map<uint64_t, Digest> close_leaves_;  // of close frames applied here, by epoch
  std::vector<Covered> covered_;
};

}  // namespace casebox::ingest
