#include "storage/internal/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>
#include <thread>

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

/// Readers leave nothing in the store's folders.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions db_options(const Options& options, rocksdb::WALRecoveryMode mode) {
  rocksdb::DBOptions db;
  if (options.read_only) db.info_log = std::make_shared<NoLog>();
  db.create_if_missing = options.create && !options.read_only;
  db.create_missing_column_families = db.create_if_missing;
  db.paranoid_checks = true;
  db.max_background_jobs = 2;
  db.max_open_files = -1;  // a reader keeps what compaction beside it removes
  // For each family; by default 16, so that opening a small store is mostly starting 165 threads.
  db.max_file_opening_threads = 1;
  db.track_and_verify_wals_in_manifest = false;
  db.wal_recovery_mode = mode;
  // All families go to tables at once, and only when the shard says so (Shard::Impl::save): then at
  // most one log file holds batches that stand in no table, and whatever is lost of it leaves a
  // state that once was, offsets and rows of the same commit. RocksDB's own limits stand far off.
  db.atomic_flush = true;
  db.db_write_buffer_size = options.write_buffer_bytes * 4;
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
  family.write_buffer_size = options.write_buffer_bytes * 4;
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
  if (status.IsNotFound()) return Error{Code::kNotFound, text};
  // A file that is missing is an IO error to RocksDB, a table shorter than the manifest says a
  // corruption.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument())
    return Error{Code::kCorrupt,
                 text +
                     "; a file of the database is missing or damaged: restore the newest backup "
                     "(casebox restore), or ingest the logs or the bus into a new store"};
  return Error{Code::kIo, text};
}

rocksdb::Status Database::try_open(const Options& options, rocksdb::WALRecoveryMode mode,
                                   bool follow) {
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
  // A secondary instance keeps only its log of messages in the folder it asks for, and has none.
  auto status = follow ? rocksdb::DB::OpenAsSecondary(opts, path_, path_, families, &handles_, &db)
                : options.read_only
                    ? rocksdb::DB::OpenForReadOnly(opts, path_, families, &handles_, &db)
                    : rocksdb::DB::Open(opts, path_, families, &handles_, &db);
  if (status.ok()) db_.reset(db);
  follows_ = follow && status.ok();
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
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // A reader beside a writer may meet a file that was just removed: the next try sees the new list.
  int reader_tries = 5;
  while (true) {
    auto status = self->try_open(options, rocksdb::WALRecoveryMode::kAbsoluteConsistency,
                                 options.read_only && options.follow);
    if (status.ok()) return self;
    if (options.read_only && status.IsCorruption() && reader_tries == 1) {
      status = self->try_open(options, rocksdb::WALRecoveryMode::kPointInTimeRecovery, false);
      self->cut_short_ = status.ok();
      if (status.ok()) return self;
    }
    const bool again = locked(status) ? std::chrono::steady_clock::now() < deadline
                                      : options.read_only && --reader_tries > 0;
    if (!again) CASEBOX_CHECK(to_result(status, self->where_));
    std::this_thread::sleep_for(std::chrono::milliseconds(options.read_only ? 20 : 50));
  }
}

Result<void> Database::catch_up() { return to_result(db_->TryCatchUpWithPrimary(), where_); }

Result<void> Database::flush() { return to_result(db_->Flush({}, handles_), where_); }

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
