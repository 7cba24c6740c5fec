// Opening a shard, and what keeps a lost write-ahead log from going unnoticed.
//
// A commit is written in this order:
//   1. media frames to their segments, those synced;
//   2. one synced write of RocksDB: rows, offsets, the records it adds to the ledger, and in key
//      `commit` its counter N with the ledger's new length and head;
//   3. the same records to the file `ledger`, synced;
//   4. a slot of the file `commits`: N and the ledger's length and head, synced.
// A kill between 2 and 3, within 3, or between 3 and 4 leaves RocksDB one ahead of `commits`: the
// next writer repeats 3 and 4 from the row. RocksDB can be behind `commits` only when its log lost
// something that was synced: then N minus its counter commits are gone. What is left is a state the
// store once was in, since all families go to tables at once and nothing is committed meanwhile
// (Shard::Impl::flush_tables): at most one log file holds batches that stand in no table, and
// check_wal cuts it behind its last whole batch. Offsets went back with the rows, so the next
// ingest reads the lost commits again. In a store of several shards offsets stand in the first:
// each shard keeps those of its own commits too, and Store::open sets the first's back to them.
//
// That no log is missing between tables and log is told by rows `commit/<base>`: every batch puts
// its counter under the counter at which its log file began, and names the base before it. The row
// of that one must say `base`; if not, commits are missing in the middle, which nothing repairs.
//
// Nothing is deleted: what is cut off the log goes to aside/, like bytes behind segments.
#include <algorithm>
#include <set>
#include <thread>

#include "proto/base/file.h"
#include "storage/internal/files.h"
#include "storage/internal/shard_impl.h"
#include "storage/internal/wal.h"

namespace casebox::storage {
namespace {

constexpr uint64_t kFlushAtClose = 4u << 20;  // more than this in the log makes opening slow
constexpr int kReaderTries = 5;
constexpr const char* kRefill = "run casebox ingest to read them again from logs or bus";
constexpr const char* kUncounted =
    "the file 'commits' was taken away or is damaged, so whether the newest commits are there "
    "cannot be told; run casebox ingest to read what may be missing from logs or bus";

/// Whether a commit of the batch lineage before `at` is missing.
Result<bool> has_hole(Database& db, const DbCommit& at) {
  if (at.base == 0) return false;
  Bytes key = kCommitPrefix;
  append_be(key, at.previous_base);
  CASEBOX_TRY(const auto last, read_number(db, key));
  return last != at.base;
}

}  // namespace

Shard::Shard() : impl_(std::make_unique<Impl>()) {}
Shard::~Shard() {
  if (impl_) impl_->close();
}

Result<std::unique_ptr<Shard>> Shard::open(const std::filesystem::path& dir,
                                           const Options& options) {
  if (options.create && !options.read_only) CASEBOX_CHECK(make_folders(dir / "media"));
  auto shard = std::unique_ptr<Shard>(new Shard);
  shard->impl_->dir = dir;
  shard->impl_->options = options;
  CASEBOX_CHECK(shard->impl_->reopen());
  if (!options.read_only) CASEBOX_CHECK(shard->upgrade_quarantine());
  return shard;
}

Result<void> Shard::Impl::reopen() {
  CASEBOX_CHECK(options.read_only ? open_for_reading() : open_for_writing());
  CASEBOX_CHECK(load_sources());
  failed = false;
  return ok();
}

Result<std::shared_ptr<Database>> Shard::Impl::reading() const {
  std::shared_lock lock(opening);
  if (db) return db;
  return Error{Code::kUnavailable, dir.string() +
                                       ": closed after a failed write and not opened again yet; "
                                       "try again"};
}

Result<void> Shard::Impl::load_sources() {
  std::lock_guard lock(mutex);
  source_ids.clear();
  source_names.clear();
  unsaved_sources.clear();
  const Bytes from = kSourcePrefix;
  return db->each(Family::kMeta, from, after_prefix(from), [&](BytesView key, BytesView value) {
    if (key.size() == from.size() + 4) {
      const auto id = load_be<uint32_t>(key.data() + from.size());
      source_ids[Bytes(value)] = id;
      source_names[id] = Bytes(value);
    }
    return ok();
  });
}

/// A clean end: nothing needs to be looked at by the next writer, and little to be read.
void Shard::Impl::close() {
  if (options.read_only || !commits || !db) return;
  if (!failed && committed && unflushed >= kFlushAtClose) (void)flush_tables();
  segments.reset();
  db.reset();
  if (!failed && committed)
    (void)commits->write({0, counter, ledger_records, ledger_head, false, false}, options.sync);
}

Result<void> Shard::Impl::flush_tables() {
  CASEBOX_CHECK(db->flush());
  unflushed = 0;
  if (!first_of_base) previous_base = std::exchange(base, counter);
  first_of_base = true;
  return ok();
}

/// A folder that is no store any more, or never was a whole one.
Error Shard::Impl::refused(Error error, const std::optional<CommitMark>& mark) const {
  // A kill while the store was made leaves half a database; losing all of both looks the same.
  std::error_code ec;
  const bool ever =
      (mark && mark->counter > 0) || (std::filesystem::file_size(dir / "ledger", ec) > 0 && !ec);
  if (error.code == Code::kCorrupt && !ever)
    return Error{Code::kCorrupt,
                 dir.string() +
                     ": no commit was counted here, and the database is not whole. Where the store "
                     "is new, its making was cut off: import or ingest again, which finishes it. "
                     "Else " +
                     error.message};
  if (error.code != Code::kCorrupt || !mark || !mark->writing || !mark->copied) return error;
  return Error{Code::kUnavailable,
               dir.string() +
                   ": this is a copy that was taken while the store was written, and it "
                   "is not whole; make one with casebox backup (" +
                   error.message + ")"};
}

void Shard::Impl::note_lost(uint64_t commits_lost, const std::optional<CommitMark>& mark) {
  recovered.lost_commits = commits_lost;
  doubt("the store lost its newest " + count(commits_lost, "commit") +
        " (its log was cut, damaged, taken away or is an older one" +
        (mark && mark->writing && mark->copied ? ", or this is a copy taken while it was written"
                                               : "") +
        "); " + kRefill);
}

void Shard::Impl::note_lost_before(uint64_t commits_lost) {
  doubt("the store lost " +
        (commits_lost == 0 ? "nobody knows how many commits" : count(commits_lost, "commit")) +
        " at an earlier opening, and nothing was read to its end since; " + kRefill);
}

/// Whether what tells how far the shard was committed was taken away. It is made before the first
/// commit and written with each; a kill leaves it one behind.
bool Shard::Impl::uncounted(const std::optional<CommitMark>& mark,
                            const std::optional<DbCommit>& at) const {
  std::error_code ec;
  return at && !mark && (at->counter > 1 || !std::filesystem::exists(dir / "commits", ec));
}

// ── writing ────────────────────────────────────────────────────────────────────────────────────

Result<void> Shard::Impl::open_for_writing() {
  std::unique_lock lock(opening);
  if (db && db.use_count() > 1)
    return Error{Code::kUnavailable,
                 dir.string() + ": a read is still open after a failed write; end it first"};
  db.reset();  // gives RocksDB's lock back
  const bool again = segments != nullptr;
  if (!commits) {
    CASEBOX_TRY(commits, CommitFile::lock(dir / "commits", std::chrono::seconds(10)));
  }
  std::optional<CommitMark> mark;
  if (auto found = commits->read()) {
    mark = *found;
  } else if (found.error().code == Code::kCorrupt) {
    note(found.error().message);
  } else {
    return found.error();
  }
  CASEBOX_CHECK(cut_wal(again, mark.has_value()));
  auto opened = Database::open(dir, options);
  if (!opened) return refused(opened.error(), mark);
  db = std::move(*opened);
  if (db->index_dropped()) {
    recovered.index_dropped = true;
    note("the index of codes that stores once kept in the clear was taken away");
  }
  tails.clear();
  touched.clear();
  unflushed = 0;  // opening moves the log's content to tables
  if (auto done = reconcile(mark); !done) {
    db.reset();
    return done;
  }
  if (again) return segments->roll_back_to_rows();
  segments = std::make_unique<Segments>(media_dir(), aside_dir(),
                                        [this](CaseId id, StreamId stream, bool thorough) {
                                          return known_segment(id, stream, thorough);
                                        });
  if (mark && !mark->writing && !mark->copied) return ok();  // closed cleanly
  CASEBOX_CHECK(db->each(Family::kMeta, kTouchedPrefix, after_prefix(kTouchedPrefix),
                         [&](BytesView key, BytesView) -> Result<void> {
                           key.remove_prefix(std::string_view(kTouchedPrefix).size());
                           if (key.size() != 20) return ok();
                           CASEBOX_TRY(const auto id, id_from_bytes<CaseId>(key.substr(0, 16)));
                           return segments->settle(id,
                                                   StreamId{load_be<uint32_t>(key.data() + 16)});
                         }));
  recovered.segment_bytes = segments->moved_aside();
  if (recovered.segment_bytes > 0)
    note(count(recovered.segment_bytes, "byte") +
         " of media behind what was committed were moved to aside/; what was recorded comes again "
         "from logs or bus");
  return ok();
}

/// `ours`: what is damaged was written by this process just now, when the disk was full. `counted`:
/// by a writer that keeps one live log file, so that damage in an older one costs nothing.
Result<void> Shard::Impl::cut_wal(bool ours, bool counted) {
  const auto folder = dir / "db";
  std::error_code ec;
  bool current = std::filesystem::exists(folder / "CURRENT", ec), any = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ec))
    any = any || entry.path().extension() == ".sst" ||
          entry.path().filename().string().starts_with("MANIFEST-");
  if (any && !current)
    return Error{Code::kCorrupt,
                 (folder / "CURRENT").string() +
                     ": is missing, and RocksDB would begin anew and delete the rest; restore the "
                     "newest backup (casebox restore), or ingest into a new store"};
  CASEBOX_TRY(const auto files, check_wal(folder));
  bool damaged = false;
  for (const WalFile& file : files) {
    const auto name = file.path.filename().string();
    if (damaged && !counted && file.size > 0) {
      CASEBOX_CHECK(make_folders(aside_dir()));
      const auto to = free_name(aside_dir(), name);
      std::filesystem::rename(file.path, to, ec);
      if (ec) return Error{Code::kIo, to.string() + ": cannot move here: " + ec.message()};
      note(name + " of the database's log follows a damaged one and was moved to aside/");
    }
    if (file.damage.empty()) continue;
    damaged = true;
    if (!ours) {
      CASEBOX_CHECK(make_folders(aside_dir()));
      const auto to = free_name(aside_dir(), name + "@" + std::to_string(file.whole));
      CASEBOX_CHECK(copy_range(file.path, file.whole, file.size - file.whole, to, true));
      recovered.torn_tail = true;
      note(name + " of the database's log has " + file.damage + "; " +
           count(file.size - file.whole, "byte") + " from there on were moved to aside/");
    }
    std::filesystem::resize_file(file.path, file.whole, ec);
    if (ec)
      return Error{Code::kIo, file.path.string() + ": cannot cut off damage: " + ec.message()};
  }
  return ok();
}

Result<void> Shard::Impl::reconcile(const std::optional<CommitMark>& mark) {
  CASEBOX_TRY(const auto at, read_commit(*db));
  CASEBOX_CHECK(check_whole(mark, at));
  const uint64_t here = at ? at->counter : 0, there = mark ? mark->counter : 0;
  CASEBOX_CHECK(reconcile_ledger(mark, at));
  if (here < there) note_lost(there - here, mark);
  if (mark && here > there + 1)
    note("the file 'commits' is " + count(here - there, "commit") +
         " behind the database: an older one was put in its place; it was brought up to date");
  CASEBOX_TRY(const auto lost, read_number(*db, kLostKey));
  if (lost && here >= there) note_lost_before(*lost);
  commits_gone = uncounted(mark, at);
  if (commits_gone) doubt(kUncounted);
  counter = std::max(here, there);
  previous_base = at ? at->base : 0;
  base = here;
  first_of_base = first_of_run = true;
  return ok();
}

/// Refuses a database with commits missing in the middle, and a copy with segments too short.
Result<void> Shard::Impl::check_whole(const std::optional<CommitMark>& mark,
                                      const std::optional<DbCommit>& at) const {
  if (at) {
    CASEBOX_TRY(const bool hole, has_hole(*db, *at));
    if (hole)
      return refused(
          {Code::kCorrupt, dir.string() + ": commits are missing in the middle, before number " +
                               std::to_string(at->base + 1) +
                               "; restore the newest backup (casebox restore), or "
                               "ingest the logs or the bus into a new store"},
          mark);
  }
  if (!mark || !mark->writing || !mark->copied) return ok();
  return db->each(Family::kSegment, {}, {}, [&](BytesView key, BytesView value) -> Result<void> {
    if (key.size() != 24 || value.size() != 8) return ok();
    CASEBOX_TRY(const auto id, id_from_bytes<CaseId>(key.substr(0, 16)));
    const auto path = segment_path(media_dir(), id, StreamId{load_be<uint32_t>(key.data() + 16)},
                                   load_be<uint32_t>(key.data() + 20));
    std::error_code ec;
    const auto size = std::filesystem::file_size(path, ec);
    if (!ec && size >= load_be<uint64_t>(value.data())) return ok();
    return refused({Code::kCorrupt, path.string() + ": shorter than what was committed"}, mark);
  });
}

Result<std::optional<Segments::Known>> Shard::Impl::known_segment(CaseId id, StreamId stream,
                                                                  bool thorough) {
  std::optional<Segments::Known> known;
  const Bytes last = segment_key(id, stream, UINT32_MAX);
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator({}, db->family(Family::kSegment)));
  it->SeekForPrev(slice(last));
  CASEBOX_CHECK(to_result(it->status(), db->where()));
  if (it->Valid() && it->key().size() == last.size() && it->value().size() == 8 &&
      bytes_of(it->key()).substr(0, 20) == BytesView(last).substr(0, 20))
    known = {load_be<uint32_t>(it->key().data() + 20), load_be<uint64_t>(it->value().data())};
  if (known && !thorough) return known;
  // The length may be damaged, or gone: what media rows point to was committed too.
  Bytes prefix(id.view());
  append_be(prefix, stream.value);
  CASEBOX_CHECK(db->each(
      Family::kMedia, prefix, after_prefix(prefix),
      [&](BytesView key, BytesView value) -> Result<void> {
        auto row = parse_media_row(value);
        auto header = row ? frame::parse_header(row->header) : Result<frame::Header>(row.error());
        if (!header) return annotate(header.error(), dir.string() + ": row " + to_hex(key));
        const Segments::Known end{row->file, row->offset + frame::kHeaderSize + header->body_size};
        if (!known || std::tie(end.file, end.committed) > std::tie(known->file, known->committed))
          known = end;
        return ok();
      }));
  return known;
}

// ── reading ────────────────────────────────────────────────────────────────────────────────────

Result<void> Shard::Impl::open_for_reading() {
  recovered = {};
  std::optional<CommitMark> mark;
  std::optional<DbCommit> at;
  std::shared_ptr<Database> opened;
  std::vector<WalFile> files;
  uint64_t here = 0, there = 0;
  for (int tries = kReaderTries; tries > 0; --tries) {
    // Before RocksDB is looked at: it is always ahead of this file.
    auto found = CommitFile::read(dir / "commits");
    if (!found && found.error().code != Code::kCorrupt) return found.error();
    if (!found && tries == 1) note(found.error().message);
    mark = found ? *found : std::nullopt;
    CASEBOX_TRY(files, check_wal(dir / "db"));
    for (const WalFile& file : files)
      if (file.repeated)
        return Error{Code::kCorrupt,
                     file.path.string() + ": has " + file.damage +
                         ", which nobody wrote there; run casebox ingest, which moves it aside"};
    auto result = Database::open(dir, options);
    if (!result) return refused(result.error(), mark);
    opened = std::move(*result);
    CASEBOX_TRY(at, read_commit(*opened));
    here = at ? at->counter : 0;
    there = mark ? mark->counter : 0;
    // Beside a writer a log may go between two looks; nowhere else is anything gained by another.
    if (found && (here >= there || !mark->writing)) break;
    if (tries > 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  {
    std::unique_lock lock(opening);
    db = std::move(opened);
  }
  if (auto done = check_whole(mark, at); !done) {
    std::unique_lock lock(opening);
    db.reset();
    return done;
  }
  if (here < there) note_lost(there - here, mark);
  for (const WalFile& file : files) {
    // The end of a write that goes on, or that was never acknowledged, is nothing lost.
    if (file.damage.empty() || (file.tail && mark && here >= there)) continue;
    doubt(file.path.filename().string() + " of the database's log has " + file.damage +
          "; what stands behind is not seen; run casebox ingest to read it again from logs or bus");
  }
  if (here >= there) {
    CASEBOX_TRY(const auto lost, read_number(*db, kLostKey));
    if (lost) note_lost_before(*lost);
  }
  if (uncounted(mark, at)) doubt(kUncounted);
  counter = std::max(here, there);
  seen = here;
  seen_serial = mark ? mark->serial : 0;
  return ok();
}

Result<void> Shard::refresh() {
  auto& impl = *impl_;
  if (!impl.options.read_only) return ok();
  std::lock_guard guard(impl.refreshing);
  CASEBOX_TRY(const auto mark, CommitFile::read(impl.dir / "commits"));
  if (!mark || mark->serial == impl.seen_serial) return ok();
  if (mark->counter > impl.seen) {
    CASEBOX_TRY(const auto db, impl.reading());
    bool current = false;
    if (db->follows() && db->catch_up()) {
      CASEBOX_TRY(const auto at, read_commit(*db));
      current = at && at->counter >= mark->counter;
      if (current) impl.seen = at->counter;
    }
    if (!current) {
      CASEBOX_CHECK(impl.reopen());
      if (impl.seen < mark->counter)
        return Error{Code::kUnavailable, impl.dir.string() + ": the newest " +
                                             count(mark->counter - impl.seen, "commit") +
                                             " cannot be read yet"};
    }
  }
  impl.seen_serial = mark->serial;
  return ok();
}

/// Losses stay said until everything was read to its end again, whoever opens the store meanwhile.
Result<void> Shard::remember_loss() {
  if (impl_->recovered.lost_commits == 0 && !impl_->commits_gone) return ok();
  CASEBOX_TRY(const auto before, read_number(*impl_->db, kLostKey));
  Batch batch = begin();
  Bytes value;
  append_be(value, before.value_or(0) + impl_->recovered.lost_commits);
  batch.impl_->put(Family::kMeta, kLostKey, value);
  return commit(std::move(batch));
}

Result<void> Shard::forget_loss() {
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_TRY(const auto before, read_number(*db, kLostKey));
  if (!before) return ok();
  Batch batch = begin();
  batch.impl_->remove(Family::kMeta, kLostKey);
  return commit(std::move(batch));
}

uint64_t Shard::commits() const {
  return impl_->options.read_only ? impl_->seen.load() : impl_->counter;
}

Shard::Recovered Shard::recovered() const { return impl_->recovered; }

}  // namespace casebox::storage
