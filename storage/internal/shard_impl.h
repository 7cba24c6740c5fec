#pragma once

// What Shard, Batch and Scan share. Private to the module.

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include <rocksdb/write_batch.h>

#include "storage/internal/commits.h"
#include "storage/internal/database.h"
#include "storage/internal/keys.h"
#include "storage/internal/ledger.h"
#include "storage/internal/row.h"
#include "storage/internal/segments.h"
#include "storage/store.h"

namespace casebox::storage {

/// What RocksDB itself says of the newest commit (family meta, key `commit`).
struct DbCommit {
  uint64_t counter = 0;
  uint64_t base = 0;           // commits up to here stood in tables when it was written
  uint64_t previous_base = 0;  // and the one before
  uint64_t ledger_records = 0;
  Digest ledger_head{};
  Bytes ledger;  // the records this commit added
};

struct Shard::Impl {
  std::filesystem::path dir;
  Options options;
  std::shared_ptr<Database> db;        // the writer's thread; readers take reading()
  mutable std::shared_mutex opening;   // exclusive while RocksDB is closed and opened anew
  std::unique_ptr<Segments> segments;  // null when read-only
  Recovered recovered;
  bool commits_gone = false;  // the writer found none, so nobody can tell whether commits are lost
  bool failed = false;        // a write failed: RocksDB is opened anew before the next

  // The writer's state (opening.cpp tells the protocol).
  std::unique_ptr<CommitFile> commits;  // null when read-only
  uint64_t counter = 0;                 // of the newest commit
  uint64_t base = 0, previous_base = 0;
  bool first_of_run = true, first_of_base = true;
  uint64_t ledger_records = 0;
  Digest ledger_head{};
  std::vector<LedgerEntry> lost_rows;  // in the ledger and not in RocksDB: go with the next commit
  uint64_t unflushed = 0;              // bytes in RocksDB's memory
  bool committed = false;              // by this object
  std::unordered_map<Bytes, uint32_t> tails;  // tail_key -> longest duration; a cache
  std::set<Bytes> touched;                    // streams whose segments this run wrote to; a cache

  // A reader's.
  std::mutex refreshing;
  std::atomic<uint64_t> seen{0};         // commits
  std::atomic<uint64_t> seen_serial{0};  // of the slot of `commits` that it stands for

  /// The ledger by case, for who asks about many: made when a file that did not change is asked a
  /// second time.
  struct LedgerIndex {
    std::array<int64_t, 5> state{};  // of the file, and how many records of it count
    bool made = false;
    std::map<CaseId, std::vector<LedgerEntry>> cases;
  };
  mutable std::mutex indexing;
  mutable LedgerIndex ledger_index;

  mutable std::mutex mutex;  // guards the two maps of sources
  std::map<std::string, uint32_t> source_ids;
  mutable std::unordered_map<uint32_t, std::string> source_names;
  std::set<uint32_t> unsaved_sources;

  std::filesystem::path media_dir() const { return dir / "media"; }
  /// For readers of any thread; holding it keeps the writer from opening RocksDB anew.
  /// kUnavailable when that failed.
  Result<std::shared_ptr<Database>> reading() const;
  std::filesystem::path aside_dir() const { return dir / "aside"; }
  std::filesystem::path ledger_file() const { return dir / "ledger"; }
  Result<void> load_sources();
  Result<void> reopen();
  Result<void> open_for_reading();
  Result<void> open_for_writing();
  void close();
  /// Everything in tables, and a new log file for what follows.
  Result<void> flush_tables();
  Result<void> cut_wal(bool ours, bool counted);
  Result<void> reconcile(const std::optional<CommitMark>& mark);
  Result<void> reconcile_ledger(const std::optional<CommitMark>& mark,
                                const std::optional<DbCommit>& at);
  Result<void> rebuild_ledger(uint64_t expected);
  Result<std::vector<LedgerEntry>> ledger_of_cases();
  Result<void> check_whole(const std::optional<CommitMark>& mark,
                           const std::optional<DbCommit>& at) const;
  Error refused(Error error, const std::optional<CommitMark>& mark) const;
  void note(const std::string& text) { recovered.notices.push_back(dir.string() + ": " + text); }
  /// A note that what was committed may not all be there.
  void doubt(const std::string& text) {
    note(text);
    recovered.torn_tail = true;
  }
  void note_lost(uint64_t commits, const std::optional<CommitMark>& mark);
  void note_lost_before(uint64_t commits);
  bool uncounted(const std::optional<CommitMark>& mark, const std::optional<DbCommit>& at) const;
  Result<std::optional<Segments::Known>> known_segment(CaseId id, StreamId stream, bool thorough);
  Result<std::pair<uint64_t, Digest>> ledger_end() const;
  Result<uint64_t> last_ledger_commit(uint64_t records) const;
  Result<void> save(Batch::Impl& batch);
  /// Adds what makes `batch` a commit: ledger rows and the counter. Returns the ledger's records.
  Result<Bytes> number(Batch::Impl& batch);
  Result<void> check_space(size_t bytes) const;
  uint32_t source_id(const std::string& name);
  std::string source_name(uint32_t id, Database& at) const;
  Trailer trailer(const RawTrailer& raw, Database& at) const;

  /// The frame of a row of `table`; `key` and `value` as they stand in its family.
  Result<StoredFrame> load_frame(Database& at, Table table, BytesView key, BytesView value,
                                 const rocksdb::Snapshot* snapshot) const;
  /// The frame that a proof row speaks of.
  Result<StoredFrame> load_placed(Database& at, BytesView proof_key, BytesView proof_value,
                                  const rocksdb::Snapshot* snapshot) const;
};

/// What the quarantine holds of one source and reason.
struct Tally {
  uint64_t rows = 0, bytes = 0, beyond = 0, first_beyond = 0, last_beyond = 0;
};
/// Of a row of the quarantine, what its count needs.
struct KeptRow {
  std::string reason;
  uint64_t bytes = 0;
};

struct Batch::Impl {
  struct Media {
    CaseId case_id;
    StreamId stream;
    Bytes key;
    Bytes frame;
    RawTrailer trailer;
  };
  Shard::Impl* shard = nullptr;
  rocksdb::WriteBatch write{0, 0, 8, 0};
  std::vector<Media> media;
  std::map<Bytes, uint32_t> tails;
  std::vector<LedgerEntry> epochs;
  size_t bytes = 0;
  size_t frames = 0;
  // As they will stand after this batch.
  std::map<std::pair<uint32_t, std::string>, Tally> tallies;
  std::map<Bytes, std::optional<KeptRow>> quarantined;  // rows put (or removed) by this batch
  Result<Tally*> tally(uint32_t source, const std::string& reason);
  Result<std::optional<KeptRow>> kept(BytesView key);
  Result<void> uncount(BytesView key, const KeptRow& row);
  bool begun_closed = false;  // RocksDB could not be opened anew: this cannot be committed

  void put(Family f, BytesView key, BytesView value) {
    if (!shard->db) begun_closed = true;
    if (begun_closed) return;
    (void)write.Put(shard->db->family(f), slice(key), slice(value));
    bytes += key.size() + value.size();
  }
  void remove_range(Family f, BytesView from, BytesView to) {
    if (!shard->db) begun_closed = true;
    if (!begun_closed) (void)write.DeleteRange(shard->db->family(f), slice(from), slice(to));
  }
  void remove(Family f, BytesView key) {
    if (!shard->db) begun_closed = true;
    if (!begun_closed) (void)write.Delete(shard->db->family(f), slice(key));
  }
};

/// Family meta: "source/<id>", "offset/<name>", "skipped/<from>/<name>";
/// "commit", "commit/<base>", "ledger/<case><epoch><kind>", "lost", "touched/<case><stream>".
constexpr const char* kSourcePrefix = "source/";
constexpr const char* kOffsetPrefix = "offset/";
constexpr const char* kMarkPrefix = "mark/";
constexpr const char* kSkippedPrefix = "skipped/";
constexpr const char* kVerdictPrefix = "verdict/";
constexpr const char* kCommitKey = "commit";
constexpr const char* kCommitPrefix = "commit/";
constexpr const char* kLedgerPrefix = "ledger/";
constexpr const char* kLostKey = "lost";
constexpr const char* kTouchedPrefix = "touched/";

Bytes ledger_key(const LedgerEntry& entry);
Bytes encode_commit(const DbCommit& commit);
Result<std::optional<DbCommit>> read_commit(Database& db);
/// A number of family meta; nullopt if there is none.
Result<std::optional<uint64_t>> read_number(Database& db, BytesView key);

}  // namespace casebox::storage
