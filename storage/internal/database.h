#pragma once

// RocksDB of one shard: options, column families, opening after a crash, and statuses as Results.
// The only places that include RocksDB are this folder and the .cpp files beside it.
//
// Thread safety: as rocksdb::DB. A Scan keeps its Database alive by a shared_ptr.

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
  /// True if the write-ahead log had a torn tail: what was never committed, and comes again from
  /// the bus.
  bool torn_tail() const { return torn_tail_; }
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
  rocksdb::Status try_open(const Options& options, rocksdb::WALRecoveryMode mode);
  rocksdb::Status drop_index();

  std::string where_;
  std::string path_;
  bool torn_tail_ = false;
  bool index_dropped_ = false;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace casebox::storage
