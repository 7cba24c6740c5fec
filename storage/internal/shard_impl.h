#pragma once

// What Shard, Batch and Scan share. Private to the module.

#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include <rocksdb/write_batch.h>

#include "storage/internal/database.h"
#include "storage/internal/keys.h"
#include "storage/internal/row.h"
#include "storage/internal/segments.h"
#include "storage/store.h"

namespace casebox::storage {

struct Shard::Impl {
  std::filesystem::path dir;
  Options options;
  std::shared_ptr<Database> db;        // the writer's thread; readers take reading()
  mutable std::shared_mutex opening;   // exclusive while RocksDB is closed and opened anew
  std::unique_ptr<Segments> segments;  // null when read-only
  std::map<Bytes, uint32_t> tails;     // tail_key -> longest duration; writer only
  Recovered recovered;
  bool failed = false;  // a write failed: RocksDB is opened anew before the next

  mutable std::mutex mutex;  // guards the two maps of sources
  std::map<std::string, uint32_t> source_ids;
  mutable std::unordered_map<uint32_t, std::string> source_names;
  std::set<uint32_t> unsaved_sources;

  std::filesystem::path media_dir() const { return dir / "media"; }
  /// For readers of any thread; holding it keeps the writer from opening RocksDB anew.
  /// kUnavailable when that failed.
  Result<std::shared_ptr<Database>> reading() const;
  Result<void> load();
  Result<void> reopen();
  Result<void> save(Batch::Impl& batch);
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
  size_t bytes = 0;
  size_t frames = 0;
  bool begun_closed = false;  // RocksDB could not be opened anew: this cannot be committed

  void put(Family f, BytesView key, BytesView value) {
    if (!shard->db) begun_closed = true;
    if (begun_closed) return;
    (void)write.Put(shard->db->family(f), slice(key), slice(value));
    bytes += key.size() + value.size();
  }
  void remove(Family f, BytesView key) {
    if (!shard->db) begun_closed = true;
    if (!begun_closed) (void)write.Delete(shard->db->family(f), slice(key));
  }
};

/// Family meta: "source/<id>", "offset/<name>".
constexpr const char* kSourcePrefix = "source/";
constexpr const char* kOffsetPrefix = "offset/";

}  // namespace casebox::storage
