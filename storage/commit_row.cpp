// The rows by which RocksDB says how far it was committed.
#include "storage/internal/shard_impl.h"

namespace casebox::storage {

Bytes ledger_key(const LedgerEntry& entry) {
  Bytes key = kLedgerPrefix;
  key.append(entry.case_id.view());
  append_be(key, entry.epoch.value);
  key.push_back(entry.closed ? 2 : 1);
  return key;
}

Bytes encode_commit(const DbCommit& commit) {
  Bytes out;
  append_be(out, commit.counter);
  append_be(out, commit.base);
  append_be(out, commit.previous_base);
  append_be(out, commit.ledger_records);
  out.append(view(commit.ledger_head));
  out.append(commit.ledger);
  return out;
}

Result<std::optional<DbCommit>> read_commit(Database& db) {
  constexpr size_t kFixed = 64;
  CASEBOX_TRY(const auto value, db.get(Family::kMeta, kCommitKey));
  if (!value) return std::optional<DbCommit>{};
  if (value->size() < kFixed || (value->size() - kFixed) % kLedgerRecordSize != 0)
    return Error{Code::kCorrupt,
                 db.where() + ": the row of the newest commit is damaged; restore a backup"};
  DbCommit commit;
  commit.counter = load_be<uint64_t>(value->data());
  commit.base = load_be<uint64_t>(value->data() + 8);
  commit.previous_base = load_be<uint64_t>(value->data() + 16);
  commit.ledger_records = load_be<uint64_t>(value->data() + 24);
  std::memcpy(commit.ledger_head.data(), value->data() + 32, commit.ledger_head.size());
  commit.ledger = value->substr(kFixed);
  return std::optional<DbCommit>(std::move(commit));
}

Result<std::optional<uint64_t>> read_number(Database& db, BytesView key) {
  CASEBOX_TRY(const auto value, db.get(Family::kMeta, key));
  if (!value || value->size() != 8) return std::optional<uint64_t>{};
  return std::optional<uint64_t>(load_be<uint64_t>(value->data()));
}

}  // namespace casebox::storage
