#pragma once

// Where each frame goes: into its case, to quarantine with a reason, or nowhere since it is known.
//
// Three rules stand behind everything here. *An epoch belongs to a case when its opening is
// enrolled and a beat, whose signature holds under the opening's key, signs for that opening*
// (admission.cpp): public keys can be copied, so an opening alone is nobody's word. Until then its
// frames wait. *Of two frames that claim the same numbers the first is stored and the other waits*;
// the next beat whose head one of them meets decides (settle.cpp). *What an epoch did not sign at
// its end is not of it.*
//
// For an honest bus that costs a compare at each beat, and one signature in eight seconds.
//
// Thread safety: one thread. Errors: those of the store, when it cannot be read or written; never
// for what a record says. After an error `reset` drops what is not written.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "ingest/bus/bus.h"
#include "ingest/ingest.h"
#include "ingest/internal/case_state.h"
#include "ingest/internal/check.h"
#include "proto/trust/trust.h"

namespace casebox::ingest {

/// A frame on its way in: from the bus, or out of the quarantine.
struct Item {
  CaseId case_id;
  uint32_t partition = 0;
  Bytes bytes;
  std::string source;
  uint64_t offset = 0;
  UtcTime when;
  Bytes key;           // its row in the quarantine
  std::string reason;  // with which it stands there
};

enum class Outcome { kStored, kKnown, kQuarantined, kHeld, kIgnored };

class Intake {
 public:
  Intake(storage::Store& store, const trust::TrustList& trust, Clock& clock)
      : store_(store), trust_(trust), clock_(clock), opened_(clock.utc()) {}

  Result<Outcome> take(Item item);
  /// One write per shard; offsets go last, with the first shard's. With one shard that is one
  /// write; with several a crash between two brings frames again whose identity is then known.
  Result<void> write(const std::map<std::string, uint64_t>& offsets,
                     const std::map<std::string, storage::SourceMark>& marks = {});
  /// Everything that is decided when all is written: chains over frames that came early, beats that
  /// were not met, what waited for something that has come.
  Result<void> settle();
  /// Rows of the quarantine once more; `row` hears of each what became of it.
  Result<void> requeue(const RequeueOptions& what, RequeueReport& report);
  void reset();

  bool media_only() const { return media_only_; }
  Progress progress;
  Progress committed;          // what progress returns to
  std::vector<CaseId> closed;  // in commits since take_closed
  std::set<CaseId> touched;    // cases that anything was stored of, bounded

 private:
  /// Frames of an epoch that is not let in yet. Their rows are written with the batch.
  struct Pool {
    std::string refused;  // its opening's reason; empty: none was refused
    bool opening = false;
    bool retry = false;  // a control frame came that may complete the way to a beat
    int tries = 0;       // since the last write
    uint32_t partition = 0;
    std::vector<Item> items;
  };
  using PoolKey = std::pair<CaseId, uint64_t>;
  /// What waited for something that has come.
  struct Pump {
    CaseId case_id;
    uint32_t partition = 0;
    Epoch epoch;
    std::optional<StreamId> stream;
  };
  struct Candidate {
    Item item;
    bool held = false;  // in the pool, not in a row
    size_t place = 0;
  };

  storage::Batch& batch(storage::Shard& shard);
  Result<CaseState*> state(CaseId id, uint32_t partition);
  void list(CaseState& state);
  void evict();

  Result<Outcome> refuse(Item& item, const std::string& code, const std::string& detail = {});
  Result<Outcome> done(Item& item, Outcome outcome);
  Result<Outcome> take_parsed(Item& item, const frame::View& frame);
  Result<Outcome> take_known(Item& item, const frame::View& frame, CaseState& state,
                             EpochState& epoch);
  Result<Outcome> place(Item& item, const frame::View& frame, CaseState& state, EpochState& epoch,
                        StreamState& stream, bool signed_beat);
  Result<Outcome> store_frame(Item& item, const frame::View& frame, const Digest& leaf,
                              CaseState& state, EpochState& epoch, StreamState& stream);
  Result<bool> clashes(const frame::View& frame, const Digest& leaf, CaseState& state,
                       EpochState& epoch, StreamState& stream, std::vector<storage::Placed>& there,
                       bool& known);
  Result<bool> is_beat_of(const storage::Placed& placed, CaseState& state, EpochState& epoch);
  Result<void> take_signed(const v1::Beat& beat, CaseState& state, EpochState& epoch);
  void maybe_end(CaseState& state, EpochState& epoch, const v1::Beat& beat, uint64_t number);

  // admission.cpp
  std::string refusal_of(const v1::CaseFrame& open, const frame::Header& header,
                         uint32_t partition) const;
  Result<void> recall(CaseId id, Epoch epoch, Pool& pool);
  Result<Outcome> take_unknown(Item& item, const frame::View& frame);
  Result<bool> try_admit(CaseId id, Epoch epoch, uint32_t partition);
  Result<std::vector<Candidate>> candidates(CaseId id, Epoch epoch, uint32_t partition);
  Result<bool> admit(CaseId id, Epoch epoch, uint32_t partition, const v1::CaseFrame& open,
                     std::vector<Candidate>& way);
  Result<void> try_waiting(CaseId id, uint32_t partition);
  Result<void> flush_pools();

  // settle.cpp
  Result<void> settle_case(CaseState& state);
  Result<void> settle_stream(CaseState& state, EpochState& epoch, StreamState& stream);
  Result<void> find_last_beat(CaseState& state, EpochState& epoch);
  Result<bool> exchange(CaseState& state, EpochState& epoch, StreamState& stream,
                        const Position& to);
  Result<void> lose(CaseState& state, EpochState& epoch, StreamState& stream,
                    const storage::Placed& placed);
  Result<void> trim(CaseState& state, EpochState& epoch, StreamState& stream, uint64_t limit);
  Result<void> read_control_anew(CaseState& state, EpochState& epoch);
  Result<void> run_pumps();
  using RowVisit = std::function<void(const Item&, Outcome)>;
  Result<void> take_rows(storage::QuarantineQuery query, uint32_t partition,
                         const std::function<bool(const storage::Quarantined&)>& wanted,
                         const RowVisit& visit);

  storage::Store& store_;
  const trust::TrustList& trust_;  // Ingest::enrol puts another in its place
  Clock& clock_;
  UtcTime opened_;
  std::map<CaseId, std::unique_ptr<CaseState>> cases_;
  std::vector<CaseState*> listed_;  // that the next commit looks at
  uint64_t use_ = 0;
  std::map<storage::Shard*, storage::Batch> batches_;
  std::map<PoolKey, Pool> pools_;
  size_t pools_held_ = 0;  // items in them
  std::list<Pump> pumps_;
  bool media_only_ = true;
};

}  // namespace casebox::ingest
