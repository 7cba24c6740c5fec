#pragma once

// The store: time-indexed frames of many cases, one RocksDB ("shard") per bus partition, media
// bytes in segment logs beside it (docs/formats/store.md). Frames are kept verbatim; the store
// never needs a key.
//
//   <dir>/store.json           format version, store id, number of shards
//   <dir>/shards/<n>/db        RocksDB: meta case event wave media proof quarantine
//   <dir>/shards/<n>/media     one log of media frames per case and stream
//   <dir>/shards/<n>/commits   how far the shard was committed; the writer's lock
//   <dir>/shards/<n>/ledger    which epochs were ever stored
//   <dir>/shards/<n>/aside     what an opening found that no commit knows, or had to take away
//
// One writer: a Store opened for writing holds every shard's lock. Any number of read-only Stores
// may be open beside it; each sees the shards as they were when it was opened or refreshed.
// Opening, committing and finding a case cost the same however many cases are stored.
//
// Opening tells what may be missing (notices()): commits that a cut, damaged, missing or older
// write-ahead log lost. It goes on where what is left is a state the store once was in, which the
// next ingest completes from logs or bus. It moves aside and never deletes.
//
// Thread safety: a Batch and a Scan belong to one thread; the Store's readers may be used from
// several, refresh() beside them. After a failed write a shard is opened anew: readers wait
// meanwhile, and a read that goes on puts it off. Errors: kUnavailable when another process holds
// the lock (retried for 10 s), or when the folder is a copy that was made while the store was
// written and is not whole; kCorrupt when RocksDB or a segment says so, kNoSpace on a full disk
// (nothing of the batch is stored then).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/frame/frame.h"
#include "storage/quarantine.h"

namespace casebox::storage {

struct Options {
  bool create = false;
  bool read_only = false;
  bool follow = false;  // read-only: refresh() is cheap while a writer commits
  uint32_t shards = 1;  // at creation only
  size_t block_cache_bytes = 64u << 20;
  size_t write_buffer_bytes = 64u << 20;
  bool sync = true;  // false: benchmarks only
  // Kept free on the disk: a commit that would go below it is kNoSpace and changes nothing. RocksDB
  // needs room for upkeep, and Debian's build aborts when its own log meets a full disk.
  uint64_t reserve_bytes = 64u << 20;
  QuarantineLimits quarantine;
};

/// Whether a case is a record of an operation, not a study over many (docs/adr/065).
inline bool is_operation(const v1::CaseRecord& record) {
  return record.kind() == v1::CASE_KIND_OPERATION;
}

/// Which part of the store a frame goes to.
enum class Table : uint8_t { kEvent, kWave, kMedia };

/// The short local trailer of a row: how it came here. Not part of the evidence.
struct Trailer {
  bool late = false;
  bool gap_before = false;  // the number before it had not arrived
  std::string source;       // bus source, e.g. "casebox.wave.v1/3"
  uint64_t offset = 0;
};

/// A frame as stored.
struct StoredFrame {
  Bytes bytes;  // the frame verbatim
  Trailer trailer;
  frame::View view()
      const;  // borrows `bytes`; bytes were checked when stored and are checked again
};

/// An epoch that was stored once: its first frame was committed, or its close was covered.
struct LedgerEntry {
  CaseId case_id;
  Epoch epoch;
  bool closed = false;  // false: opened
  uint8_t role = 0;     // v1::ProducerRole as its opening says
  Digest leaf{};        // of the frame that opened or closed it
  uint64_t number = 0;  // in the ledger
  uint64_t commit = 0;  // of the shard
};

/// A case record as it stands, and what the store keeps beside it, for who asks about many cases.
struct CaseRow {
  v1::CaseRecord record;
  Digest digest{};  // SHA-256 of the row's bytes
  Bytes verdict;    // what put_verdict kept; empty: nothing
};

/// Where a stored frame stands, from its proof row.
struct Placed {
  ItemNumber first;
  uint32_t count = 1;
  Digest leaf{};
  Table table = Table::kEvent;
  CaseTime t;
  uint64_t next() const { return first.value + count; }
};

/// Offsets [from, to) of a bus source that the store went past without reading them: what they held
/// is in no case, and nobody can tell what that was.
struct Skipped {
  std::string source;
  uint64_t from = 0;
  uint64_t to = 0;
  UtcTime at;            // when
  bool dropped = false;  // the bus had them no longer; false: somebody said so (`--force`)
};

/// The last message that was read of a bus source. A source of the same name that does not hold it
/// there is another one: one put back from a backup, or the log of a second recorder made from the
/// same image.
struct SourceMark {
  uint64_t offset = 0;       // of the message
  uint64_t next_offset = 0;  // behind it; the mark counts while the source's offset is this
  Digest message{};          // SHA-256 of its bytes
};

/// Everything one commit writes: frames, case records, quarantine and bus offsets, atomically.
/// Media frames go to their segments first; their rows make them visible.
class Batch {
 public:
  ~Batch();
  Batch(Batch&&) noexcept;

  /// `epoch_index`: from the case record. The caller has checked identity and chain.
  /// `leaf`: the frame's leaf hash if the caller has it; else it is computed. kInvalidArgument for
  /// a number above 2^48 - 1 or an epoch index above 65535.
  Result<void> put_frame(CaseId case_id, uint32_t epoch_index, Table table,
                         const frame::View& frame, const Trailer& trailer,
                         const Digest* leaf = nullptr);
  void put_case(const v1::CaseRecord& record);
  /// What somebody found the case to be (tools/store/kept_verdicts.h); opaque here.
  void put_verdict(CaseId case_id, BytesView kept);
  /// Enters an epoch into the ledger: with its first frame, and when its close is covered. The same
  /// again is passed over.
  void put_epoch_opened(CaseId case_id, Epoch epoch, v1::ProducerRole role, const Digest& leaf);
  void put_epoch_closed(CaseId case_id, Epoch epoch, v1::ProducerRole role, const Digest& leaf);
  void put_offset(const std::string& source, uint64_t next_offset);
  /// By which message of it a source is known again. The caller keeps them in the first shard.
  void put_mark(const std::string& source, const SourceMark& mark);
  /// Remembers a stretch of a source that was passed over unread, in place of the one that began
  /// there; an empty one forgets it. The caller keeps them all in the first shard.
  void put_skipped(const Skipped& skipped);
  /// Takes a frame's rows away again: what turned out not to be the producer's. Bytes in a media
  /// segment stay behind, named by no row.
  void remove_frame(CaseId case_id, uint32_t epoch_index, StreamId stream, const Placed& placed);
  /// False when its source and reason have no room left: it is counted then, and not kept. A row
  /// that is there already is left as it is.
  Result<bool> put_quarantine(const Quarantined& item);
  /// Removes a row by the key that reading it gave.
  Result<void> take_quarantine(BytesView key);
  /// Forgets what was counted and not kept of a source, all of it at or behind `from`: it is about
  /// to be read again.
  Result<void> forget_beyond(const std::string& source, uint64_t from);
  size_t bytes() const;
  size_t frames() const;

  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

 private:
  friend class Shard;
  struct Impl;
  explicit Batch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One row of the proof family: that a frame is there, and what it hashes to. `leaf` is the store's
/// word until a chain of them meets a signed beat.
struct Proof {
  uint32_t epoch_index = 0;
  StreamId stream;
  ItemNumber first;
  uint32_t count = 1;
  Table table = Table::kEvent;
  bool gap = false;
  CaseTime t;
  Digest leaf{};
  BytesView control;  // stream 0: the frame itself; borrowed while the row is visited
  uint64_t next() const { return first.value + count; }
};

struct ScanRange {
  CaseId case_id;
  CaseTime from{INT64_MIN};
  CaseTime to{INT64_MAX};         // half open; frames that overlap [from, to) are returned
  std::vector<StreamId> streams;  // empty: all
  std::optional<Epoch> epoch;     // empty: all, derived producers' included
  bool derived = true;
  bool recorder = true;
};

/// Frames of several streams merged in time order (t, then stream, epoch, number), under one
/// snapshot.
class Scan {
 public:
  ~Scan();
  Scan(Scan&&) noexcept;
  /// The next frame; nullopt at the end.
  Result<std::optional<StoredFrame>> next();

 private:
  friend class Shard;
  struct Impl;
  explicit Scan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Shard {
 public:
  static Result<std::unique_ptr<Shard>> open(const std::filesystem::path& dir,
                                             const Options& options);
  ~Shard();

  Batch begin();
  /// Syncs touched segments, then one synced RocksDB write.
  Result<void> commit(Batch batch);

  /// Resume positions of every bus source that ever committed here.
  Result<std::vector<std::pair<std::string, uint64_t>>> offsets() const;
  /// By source; of those that have one that counts. All in the first shard.
  Result<std::map<std::string, SourceMark>> marks() const;
  /// What was passed over and not read since (Batch::put_skipped); all of it in the first shard.
  Result<std::vector<Skipped>> skipped() const;
  Result<std::optional<v1::CaseRecord>> find_case(CaseId id) const;
  Result<std::vector<v1::CaseRecord>> cases() const;  // of a row that does not parse: no epochs
  /// The same with what is kept of each, in one go.
  Result<std::vector<CaseRow>> case_rows() const;
  Result<std::optional<CaseRow>> find_row(CaseId id) const;
  /// What put_verdict kept; nullopt if nothing.
  Result<std::optional<Bytes>> verdict(CaseId id) const;
  /// The frame with this identity, if stored: for telling duplicates from equivocation.
  Result<std::optional<StoredFrame>> find_frame(CaseId id, uint32_t epoch_index, Table table,
                                                StreamId stream, ItemNumber first) const;
  Result<Scan> scan(const ScanRange& range) const;
  /// Every proof row of a case: by epoch index, stream (0 first) and number. `record`, if given,
  /// receives the case record as it stood at the same moment.
  Result<void> for_each_proof(CaseId id, std::optional<v1::CaseRecord>* record,
                              const std::function<Result<void>(const Proof&)>& visit) const;
  /// The frame that a proof row speaks of; kCorrupt if its row is missing, damaged, or hashes to
  /// another leaf.
  Result<StoredFrame> load(CaseId id, const Proof& proof) const;
  /// Its header alone, proven likewise; of a media frame without reading its segment.
  Result<frame::Header> load_header(CaseId id, const Proof& proof) const;
  /// How many rows of a table a case has, proven or not.
  Result<uint64_t> count_rows(CaseId id, Table table) const;
  /// Frames of one stream of one epoch in number order, stream 0 included: verification and the
  /// digest.
  Result<void> for_each_frame(CaseId id, Epoch epoch, StreamId stream,
                              const std::function<Result<void>(const StoredFrame&)>& visit) const;
  /// The first stored frame that holds a number of [first, first + count); for telling overlaps.
  Result<std::optional<StoredFrame>> find_overlap(CaseId id, uint32_t epoch_index, StreamId stream,
                                                  ItemNumber first, uint32_t count) const;
  /// Where frames stand that hold a number of [first, last), in number order, at most `limit`.
  Result<std::vector<Placed>> placed(CaseId id, uint32_t epoch_index, StreamId stream,
                                     ItemNumber first, uint64_t last, size_t limit) const;
  /// One past the highest number stored of a stream; 0 if there is none.
  Result<uint64_t> end_number(CaseId id, uint32_t epoch_index, StreamId stream) const;
  /// Leaf hashes in number order from `from` on, until `visit` returns false.
  Result<void> for_each_leaf(
      CaseId id, uint32_t epoch_index, StreamId stream, ItemNumber from,
      const std::function<bool(ItemNumber, uint32_t, const Digest&)>& visit) const;
  /// Headers of a stream's media frames in time order, from their rows: no segment is read. For
  /// lists; what is read later by scan or by number is checked against its row.
  Result<void> for_each_media_header(
      CaseId id, StreamId stream,
      const std::function<Result<void>(const frame::Header&)>& visit) const;
  /// Frames of stream 0 of one kind, in number order: the others, beats above all, are passed by
  /// without being read.
  Result<void> for_each_control(CaseId id, Epoch epoch, frame::Kind kind,
                                const std::function<Result<void>(const frame::View&)>& visit) const;
  /// The gap frames of a stream in number order, without a look at its other frames.
  Result<void> for_each_gap(CaseId id, Epoch epoch, StreamId stream,
                            const std::function<Result<void>(const StoredFrame&)>& visit) const;
  Result<QuarantinePage> quarantine(const QuarantineQuery& query = {}) const;
  /// Epochs that rows of a case name, ascending, at most `limit`; those that wait first.
  Result<std::vector<Epoch>> quarantined_epochs(CaseId id, size_t limit) const;
  /// Per source and reason; a look at few rows. Of one case: its rows are counted, and what was not
  /// kept is in none of them.
  Result<std::vector<QuarantineCount>> quarantine_counts(std::optional<CaseId> id = {}) const;
  Result<void> flush();
  /// Read-only: see what was committed since; costs next to nothing when nothing was. An error
  /// means that what is shown is stale.
  Result<void> refresh();
  /// Commits seen by this object.
  uint64_t commits() const;
  /// What the ledger holds of a case: every epoch that was stored up to what this object sees, so
  /// whatever it names must be there. kCorrupt when the ledger is damaged anywhere.
  Result<std::vector<LedgerEntry>> ledger(CaseId id) const;
  /// The whole ledger in order, its chain checked up to the head that was committed.
  Result<void> for_each_ledger(const std::function<Result<void>(const LedgerEntry&)>& visit) const;
  /// What opening found.
  struct Recovered {
    uint64_t segment_bytes = 0;  // behind committed lengths: moved aside
    bool torn_tail = false;      // what was committed may not all be there: a notice says why
    bool index_dropped = false;  // the family of index entries that stores once had, see store.md
    uint64_t lost_commits = 0;   // were made and are not there
    std::vector<std::string> notices;  // for people, one line each
  };
  Recovered recovered() const;

 private:
  friend class Batch;
  friend class Scan;
  friend class Store;
  Result<void> remember_loss();
  Result<void> forget_loss();
  Result<void> upgrade_quarantine();
  Result<void> visit_frames(CaseId id, Epoch epoch, StreamId stream, bool gaps_only,
                            const std::function<Result<void>(const StoredFrame&)>& visit) const;
  Shard();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Store {
 public:
  /// kNotFound when there is no store at `dir` and `create` is not set.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& dir,
                                             const Options& options);
  ~Store();

  size_t shards() const;
  Shard& shard(uint32_t partition);
  const Shard& shard(uint32_t partition) const;
  /// Read-only: see what was committed since, in every shard; an error means that it is stale.
  Result<void> refresh();
  /// What people must know of this opening: commits that were lost, a log that was damaged, what
  /// was moved aside, an upgrade. One line each, naming the shard and what to do.
  std::vector<std::string> notices() const;
  /// Everything that logs and bus hold was read to its end: what was said to be lost is here again
  /// or nowhere, and is not said any more. Writers only; does nothing if nothing was lost.
  Result<void> refilled();
  /// Over all shards, studies included: for accounting and verification.
  Result<std::vector<v1::CaseRecord>> cases() const;
  /// The cases that are operations: what lists, queries, cohorts and reports are about.
  Result<std::vector<v1::CaseRecord>> operations() const;
  Result<std::vector<CaseRow>> case_rows() const;
  Result<std::optional<v1::CaseRecord>> find_case(CaseId id) const;
  Result<std::optional<CaseRow>> find_row(CaseId id) const;
  const Shard* shard_of(CaseId id) const;
  /// frame::case_digest from the stored leaf hashes, without a look at the frames: what is stored,
  /// not what is proven (storage/verify says that).
  Result<Digest> case_digest(CaseId id) const;
  const std::filesystem::path& dir() const;

 private:
  Store();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True if `path` is a store folder.
bool is_store(const std::filesystem::path& path);

}  // namespace casebox::storage
