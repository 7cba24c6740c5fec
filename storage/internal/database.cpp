#include "storage/internal/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "storage/internal/keys.h"

namespace casebox::storage {
namespace {

constexpr const char* kFamilies[] = {"default", "meta",    "case", "event", "wave",
                                     "media",   "segment", "tail", "proof", "quarantine"};
static_assert(std::size(kFamilies) == static_cast<size_t>(Family::kCount));
// Stores once kept codes of events and findings here, in the clear and read by nobody. RocksDB
// opens a store for writing only with all families that are in it.
constexpr const char* kIndexFamily = "index";
constexpr const char* kUnindexedPrefix = "unindexed/";

rocksdb::DBOptions db_options(const Options& options, rocksdb::WALRecoveryMode mode) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create && !options.read_only;
  db.create_missing_column_families = db.create_if_missing;
  db.paranoid_checks = true;
  db.max_background_jobs = 2;
  db.max_open_files = -1;  // a reader keeps what compaction beside it removes
  // For each family; by default 16, so that opening a small store is mostly starting 165 threads.
  db.max_file_opening_threads = 1;
  db.track_and_verify_wals_in_manifest = false;
  db.wal_recovery_mode = mode;
  db.db_write_buffer_size = options.write_buffer_bytes * 2;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 4;
  return db;
}

rocksdb::ColumnFamilyOptions family_options(const Options& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 16 << 10;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.compression = rocksdb::kNoCompression;  // frames are ciphertext
  family.write_buffer_size = options.write_buffer_bytes;
  family.level_compaction_dynamic_level_bytes = true;
  return family;
}

bool locked(const rocksdb::Status& status) {
  return status.IsIOError() && status.ToString().find("lock") != std::string::npos;
}

bool no_space(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return true;
  const std::string text = status.ToString();
  return text.find("No space") != std::string::npos ||
         text.find("File too large") != std::string::npos;
}

}  // namespace

Result<void> to_result(const rocksdb::Status& status, const std::string& where) {
  if (status.ok()) return ok();
  const std::string text = where + ": " + status.ToString();
  if (no_space(status)) return Error{Code::kNoSpace, text + "; free space, then go on"};
  if (locked(status))
    return Error{Code::kUnavailable,
                 where + ": another program holds the store; stop it or ask it"};
  if (status.IsCorruption()) return Error{Code::kCorrupt, text + "; run casebox doctor or restore"};
  if (status.IsNotFound()) return Error{Code::kNotFound, text};
  return Error{Code::kIo, text};
}

rocksdb::Status Database::try_open(const Options& options, rocksdb::WALRecoveryMode mode) {
  auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : kFamilies) families.emplace_back(name, family_options(options, cache));
  rocksdb::DB* db = nullptr;
  handles_.clear();
  const auto opts = db_options(options, mode);
  std::vector<std::string> there;  // none when the store is new
  if (!options.read_only) (void)rocksdb::DB::ListColumnFamilies(opts, path_, &there);
  const bool index = std::ranges::find(there, kIndexFamily) != there.end();
  if (index) families.emplace_back(kIndexFamily, family_options(options, cache));
  auto status = options.read_only
                    ? rocksdb::DB::OpenForReadOnly(opts, path_, families, &handles_, &db)
                    : rocksdb::DB::Open(opts, path_, families, &handles_, &db);
  if (status.ok()) db_.reset(db);
  return status.ok() && index ? drop_index() : status;
}

rocksdb::Status Database::drop_index() {
  auto* handle = handles_.back();
  auto status = db_->DropColumnFamily(handle);
  if (!status.ok()) return status;
  handles_.pop_back();
  (void)db_->DestroyColumnFamilyHandle(handle);
  index_dropped_ = true;
  const Bytes from = kUnindexedPrefix;
  return db_->DeleteRange({}, family(Family::kMeta), slice(from), slice(after_prefix(from)));
}

Result<std::shared_ptr<Database>> Database::open(const std::filesystem::path& dir,
                                                 const Options& options) {
  auto self = std::shared_ptr<Database>(new Database);
  self->where_ = dir.string();
  self->path_ = (dir / "db").string();
  std::mutex mutex;
  std::condition_variable never;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // A reader beside a writer may meet a file that compaction just removed: the next try sees the
  // new list.
  int reader_tries = 5;
  while (true) {
    auto status = self->try_open(options, rocksdb::WALRecoveryMode::kAbsoluteConsistency);
    if (status.ok()) return self;
    const bool last_try = !options.read_only || reader_tries == 1;
    if (status.IsCorruption() && last_try) {
      // A torn tail is a batch that was never committed: a writer goes on behind it, and anything
      // else stays refused. A reader sees what stands before the damage, whatever it is, and says
      // that there is some.
      status = self->try_open(
          options, options.read_only ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                     : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords);
      if (status.ok()) {
        self->torn_tail_ = true;
        return self;
      }
    }
    const bool again = locked(status) ? std::chrono::steady_clock::now() < deadline
                                      : options.read_only && --reader_tries > 0;
    if (!again) {
      CASEBOX_CHECK(to_result(status, self->where_));
    }
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::milliseconds(50));
  }
}

Database::~Database() {
  if (!db_) return;
  for (auto* handle : handles_) (void)db_->DestroyColumnFamilyHandle(handle);
  (void)db_->Close();
}

Result<std::optional<std::string>> Database::get(Family f, BytesView key,
                                                 const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  std::string value;
  auto status = db_->Get(read, family(f), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  CASEBOX_CHECK(to_result(status, where_));
  return std::optional<std::string>(std::move(value));
}

Result<void> Database::each(Family f, const Bytes& from, const Bytes& to,
                            const std::function<Result<void>(BytesView, BytesView)>& visit,
                            const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  const rocksdb::Slice bound = slice(to);
  if (!to.empty()) read.iterate_upper_bound = &bound;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read, family(f)));
  for (it->Seek(slice(from)); it->Valid(); it->Next())
    CASEBOX_CHECK(visit(bytes_of(it->key()), bytes_of(it->value())));
  return to_result(it->status(), where_);
}

}  // namespace casebox::storage
