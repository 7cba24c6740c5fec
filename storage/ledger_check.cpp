// The ledger of a shard: held against RocksDB at opening, completed when either lost something,
// read.
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "storage/internal/files.h"
#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

/// What tells that a ledger file is as it was.
std::array<int64_t, 5> ledger_state(const std::filesystem::path& file, uint64_t records) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {static_cast<int64_t>(info.st_ino), info.st_size, info.st_ctim.tv_sec,
          info.st_ctim.tv_nsec, static_cast<int64_t>(records)};
}

}  // namespace

Result<void> Shard::Impl::reconcile_ledger(const std::optional<CommitMark>& mark,
                                           const std::optional<DbCommit>& at) {
  ledger_records = mark ? mark->ledger_records : at ? at->ledger_records : 0;
  ledger_head = mark ? mark->ledger_head : at ? at->ledger_head : Digest{};
  lost_rows.clear();
  std::error_code ec;
  const auto size = std::filesystem::file_size(ledger_file(), ec);
  bool fits =
      (mark || at) && (ledger_records == 0 || (!ec && size / kLedgerRecordSize >= ledger_records));
  if (fits && ledger_records > 0) {
    auto last = read_ledger(ledger_file(), ledger_records - 1, ledger_records, false,
                            [&](BytesView record) -> Result<void> {
                              fits = storage::ledger_head(record) == ledger_head;
                              return ok();
                            });
    fits = fits && last.has_value();
  }
  if (!fits) return rebuild_ledger(mark || at ? ledger_records : UINT64_MAX);
  // The file is written behind the database: what it has more was stored and is not there now.
  const uint64_t there = ec ? 0 : size / kLedgerRecordSize;
  const bool level = mark && (at ? at->counter : 0) == mark->counter;
  if (there > ledger_records && (level || (!mark && at))) {
    note("the ledger is ahead of the database, which lost what it was last given; " +
         count(there - ledger_records, "record") + " more were kept");
    return rebuild_ledger(there);
  }
  if (!mark || (at ? at->counter : 0) == mark->counter) return ok();
  if (at && at->counter == mark->counter + 1 &&
      at->ledger_records == ledger_records + at->ledger.size() / kLedgerRecordSize) {
    // The last commit was cut short between RocksDB and the files.
    if (!at->ledger.empty())
      CASEBOX_CHECK(append_ledger(ledger_file(), ledger_records, at->ledger, options.sync));
    ledger_records = at->ledger_records;
    ledger_head = at->ledger_head;
    return ok();
  }
  return rebuild_ledger(ledger_records);
}

/// Brings file and rows together, whatever either lost; `expected` records were committed to the
/// file, UINT64_MAX if nobody counted.
Result<void> Shard::Impl::rebuild_ledger(uint64_t expected) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(ledger_file(), ec);
  const uint64_t there = ec ? 0 : size / kLedgerRecordSize;
  using Place = std::tuple<CaseId, uint64_t, bool>;
  std::set<Place> known, rows;
  std::vector<LedgerEntry> entries;
  ledger_records = 0;
  ledger_head = {};
  auto whole = read_ledger(ledger_file(), 0, std::min(there, expected), true,
                           [&](BytesView record) -> Result<void> {
                             CASEBOX_TRY(auto entry, parse_ledger(record));
                             known.insert({entry.case_id, entry.epoch.value, entry.closed});
                             entries.push_back(entry);
                             ++ledger_records;
                             ledger_head = storage::ledger_head(record);
                             return ok();
                           });
  if (ledger_records * kLedgerRecordSize < size && !ec) {
    CASEBOX_CHECK(make_folders(aside_dir()));
    CASEBOX_CHECK(copy_range(ledger_file(), 0, size, free_name(aside_dir(), "ledger"), true));
  }
  if (!whole)
    note("the ledger is damaged from record " + std::to_string(ledger_records) +
         " on; it was completed from the database, the damaged one is in aside/");
  if (expected != UINT64_MAX && there < expected)
    note("the ledger lost its newest " + count(expected - there, "record") +
         "; it was completed from the database");
  std::vector<LedgerEntry> more;
  CASEBOX_CHECK(db->each(Family::kMeta, kLedgerPrefix, after_prefix(kLedgerPrefix),
                         [&](BytesView, BytesView value) -> Result<void> {
                           CASEBOX_TRY(auto entry, parse_ledger(value));
                           const Place place{entry.case_id, entry.epoch.value, entry.closed};
                           rows.insert(place);
                           if (known.count(place) == 0) more.push_back(entry);
                           return ok();
                         }));
  if (expected == UINT64_MAX && rows.empty() && known.empty()) {
    CASEBOX_TRY(more, ledger_of_cases());
    if (!more.empty())
      note("the store is from before there was a ledger: " + count(more.size(), "record") +
           " were made for the epochs that are here");
    lost_rows = more;
  }
  std::stable_sort(more.begin(), more.end(),
                   [](const LedgerEntry& a, const LedgerEntry& b) { return a.number < b.number; });
  Bytes records;
  const uint64_t from = ledger_records;
  for (LedgerEntry& entry : more) {
    entry.number = ledger_records++;
    records += encode_ledger(entry, ledger_head);
    ledger_head =
        storage::ledger_head(BytesView(records).substr(records.size() - kLedgerRecordSize));
  }
  if (!lost_rows.empty()) lost_rows = more;
  for (const LedgerEntry& entry : entries)
    if (rows.count({entry.case_id, entry.epoch.value, entry.closed}) == 0)
      lost_rows.push_back(entry);
  return records.empty() ? ok() : append_ledger(ledger_file(), from, records, options.sync);
}

/// What the ledger of a store from before would hold, in the order of its case records.
Result<std::vector<LedgerEntry>> Shard::Impl::ledger_of_cases() {
  std::vector<LedgerEntry> out;
  CASEBOX_CHECK(db->each(Family::kCase, {}, {}, [&](BytesView, BytesView value) -> Result<void> {
    v1::CaseRecord record;
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return ok();
    auto id = id_from_bytes<CaseId>(record.case_id());
    if (!id) return ok();
    for (const auto& epoch : record.epochs()) {
      LedgerEntry entry;
      entry.case_id = *id;
      entry.epoch = Epoch{epoch.epoch()};
      entry.role = static_cast<uint8_t>(epoch.role());
      LedgerEntry close = entry;
      close.closed = true;
      bool opened = false;
      const Bytes from = proof_prefix(*id, static_cast<uint16_t>(epoch.index()), kControlStream);
      const auto visit = [&](BytesView, BytesView row) -> Result<void> {
        auto proof = parse_proof_row(row);
        auto header =
            proof ? frame::parse_header(proof->inline_frame) : Result<frame::Header>(proof.error());
        if (!header || header->kind != frame::Kind::kCase) return ok();
        (opened ? close : entry).leaf = proof->leaf;
        opened = true;
        return ok();
      };
      if (auto done = db->each(Family::kProof, from, after_prefix(from), visit); !done) return done;
      entry.number = out.size();
      out.push_back(entry);
      if (!epoch.closed()) continue;
      close.number = out.size();
      out.push_back(close);
    }
    return ok();
  }));
  return out;
}

/// The commit that the last of so many records came with; 0 if it is damaged.
Result<uint64_t> Shard::Impl::last_ledger_commit(uint64_t records) const {
  uint64_t commit = 0;
  CASEBOX_CHECK(read_ledger(ledger_file(), records - 1, records, false,
                            [&](BytesView record) -> Result<void> {
                              const auto entry = parse_ledger(record);
                              commit = entry ? entry->commit : 0;
                              return ok();
                            }));
  return commit;
}

/// How much of the ledger speaks of what this object sees: beside a writer the file is ahead.
Result<std::pair<uint64_t, Digest>> Shard::Impl::ledger_end() const {
  if (!options.read_only) return std::pair(ledger_records, Digest(ledger_head));
  CASEBOX_TRY(const auto mark, CommitFile::read(dir / "commits"));
  CASEBOX_TRY(const auto from, reading());
  CASEBOX_TRY(const auto at, read_commit(*from));
  const uint64_t here = at ? at->counter : 0;
  std::pair<uint64_t, Digest> end;
  if (at) end = {at->ledger_records, at->ledger_head};
  const auto whole = [&](uint64_t there) -> Result<std::pair<uint64_t, Digest>> {
    std::pair<uint64_t, Digest> to{there, Digest{}};
    CASEBOX_CHECK(read_ledger(ledger_file(), there == 0 ? 0 : there - 1, there, false,
                              [&](BytesView record) -> Result<void> {
                                to.second = storage::ledger_head(record);
                                return ok();
                              }));
    return to;
  };
  std::error_code ec;
  const auto size = std::filesystem::file_size(ledger_file(), ec);
  const uint64_t there = ec ? 0 : size / kLedgerRecordSize;
  // Nobody counted: all that the file names was stored once.
  if (!mark) return there > end.first ? whole(there) : end;
  const bool behind = here < mark->counter && (recovered.lost_commits == 0 || mark->copied);
  if (!behind) end = {mark->ledger_records, mark->ledger_head};
  // A writer's commit that goes on may be in the file already, a later one only if database and
  // `commits` were put back.
  if (there > end.first && !behind) {
    CASEBOX_TRY(const uint64_t last, last_ledger_commit(there));
    if (last > mark->counter + 1) return whole(there);
  }
  if (!mark->writing || !mark->copied) return end;
  // A copy taken while the store was written: the ledger may have been copied first. Its whole
  // records are all that it says.
  return there < end.first ? whole(there) : end;
}

Result<std::vector<LedgerEntry>> Shard::ledger(CaseId id) const {
  CASEBOX_TRY(const auto end, impl_->ledger_end());
  const auto state = ledger_state(impl_->ledger_file(), end.first);
  std::lock_guard guard(impl_->indexing);
  Impl::LedgerIndex& index = impl_->ledger_index;
  const bool again = index.state == state && state != decltype(state){};
  if (!again || !index.made) {
    index = {state, false, {}};
    std::vector<LedgerEntry> own;
    CASEBOX_CHECK(read_ledger(impl_->ledger_file(), 0, end.first, false,
                              [&](BytesView record) -> Result<void> {
                                if (!again && record.substr(16, 16) != id.view()) return ok();
                                CASEBOX_TRY(auto entry, parse_ledger(record));
                                if (again) index.cases[entry.case_id].push_back(entry);
                                if (entry.case_id == id) own.push_back(entry);
                                return ok();
                              }));
    index.made = again;
    return own;
  }
  const auto known = index.cases.find(id);
  return known == index.cases.end() ? std::vector<LedgerEntry>{} : known->second;
}

Result<void> Shard::for_each_ledger(
    const std::function<Result<void>(const LedgerEntry&)>& visit) const {
  CASEBOX_TRY(const auto end, impl_->ledger_end());
  Digest head{};
  CASEBOX_CHECK(
      read_ledger(impl_->ledger_file(), 0, end.first, true, [&](BytesView record) -> Result<void> {
        head = ledger_head(record);
        CASEBOX_TRY(const auto entry, parse_ledger(record));
        return visit(entry);
      }));
  if (head == end.second) return ok();
  return Error{Code::kCorrupt, impl_->ledger_file().string() +
                                   ": does not end as it was committed; restore a backup, or "
                                   "ingest again into a new store"};
}

}  // namespace casebox::storage
