#pragma once

// RocksDB of one shard: options, column families, opening, and statuses as Results. The only places
// that include RocksDB are this folder and the .cpp files beside it.
//
// A writer opens a log that was checked before (wal.h). A reader opens it as it stands: read-only,
// or, to follow a writer, as a secondary instance, which takes in what was committed since at the
// cost of what is new alone. Readers write nothing, not even RocksDB's own log of messages.
//
// Thread safety: as rocksdb::DB; catch_up by one thread at a time, beside reads. A Scan keeps its
// Database alive by a shared_ptr.

#include <rocksdb/db.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "storage/store.h"

namespace casebox::storage {

enum class Family : size_t {
  kDefault,
  kMeta,
  kCase,
  kEvent,
  kWave,
  kMedia,
  kSegment,
  kTail,
  kProof,
  kQuarantine,
  kCount
};

inline rocksdb::Slice slice(BytesView bytes) { return {bytes.data(), bytes.size()}; }
inline BytesView bytes_of(const rocksdb::Slice& s) { return {s.data(), s.size()}; }
inline Family family_of(Table table) {
  return table == Table::kEvent  ? Family::kEvent
         : table == Table::kWave ? Family::kWave
                                 : Family::kMedia;
}

/// `where` is the shard's folder.
Result<void> to_result(const rocksdb::Status& status, const std::string& where);

class Database {
 public:
  static Result<std::shared_ptr<Database>> open(const std::filesystem::path& dir,
                                                const Options& options);
  ~Database();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family f) { return handles_[static_cast<size_t>(f)]; }
  const std::string& where() const { return where_; }
  /// A reader: the write-ahead log is damaged somewhere, or its end was being written; this is
  /// what stands before.
  bool cut_short() const { return cut_short_; }
  /// Only of a follower: takes in what the writer committed since.
  Result<void> catch_up();
  bool follows() const { return follows_; }
  /// A consistent view for several reads; null where there is none to be had (a follower's
  /// iterators are each consistent, and what is stored is only added to). Give it back.
  const rocksdb::Snapshot* take_snapshot() { return follows_ ? nullptr : db_->GetSnapshot(); }
  void give_back(const rocksdb::Snapshot* snapshot) {
    if (snapshot != nullptr) db_->ReleaseSnapshot(snapshot);
  }
  /// Moves everything from memory to tables and waits for it.
  Result<void> flush();
  /// True if this opening took away the index entries that stores once had.
  bool index_dropped() const { return index_dropped_; }

  /// nullopt if there is no such key.
  Result<std::optional<std::string>> get(Family f, BytesView key,
                                         const rocksdb::Snapshot* snapshot = nullptr);
  /// Calls `visit(key, value)` for every key in [from, to) (`to` empty: to the end).
  Result<void> each(Family f, const Bytes& from, const Bytes& to,
                    const std::function<Result<void>(BytesView, BytesView)>& visit,
                    const rocksdb::Snapshot* snapshot = nullptr);

 private:
  Database() = default;
  rocksdb::Status try_open(const Options& options, rocksdb::WALRecoveryMode mode, bool follow);
  rocksdb::Status drop_index();

  std::string where_;
  std::string path_;
  bool cut_short_ = false;
  bool follows_ = false;
  bool index_dropped_ = false;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace casebox::storage
