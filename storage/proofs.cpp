// Reads by proof row: what a verified reader is made of.
#include "proto/seal/seal.h"
#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

Result<Proof> parse_proof(BytesView key, BytesView value) {
  CASEBOX_TRY(auto row, parse_proof_row(value));
  Proof proof;
  proof.epoch_index = load_be<uint16_t>(key.data() + 16);
  proof.stream = StreamId{load_be<uint32_t>(key.data() + 18)};
  proof.first = ItemNumber{proof_number(key)};
  proof.count = row.count;
  proof.table = row.table;
  proof.gap = row.gap;
  proof.t = row.t;
  proof.leaf = row.leaf;
  proof.control = row.inline_frame;
  return proof;
}

Bytes key_of(CaseId id, const Proof& proof) {
  return row_key(proof.table, {id, proof.t, proof.stream, static_cast<uint16_t>(proof.epoch_index),
                               proof.first.value});
}

Error differs(const std::string& where, BytesView key) {
  return {Code::kCorrupt, where + ": row " + to_hex(key) +
                              " is not the frame that was proven; restore from a backup or replay "
                              "the log"};
}

}  // namespace

Result<void> Shard::for_each_proof(CaseId id, std::optional<v1::CaseRecord>* record,
                                   const std::function<Result<void>(const Proof&)>& visit) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  const auto give_back = [&](const rocksdb::Snapshot* held) { db->give_back(held); };
  const std::unique_ptr<const rocksdb::Snapshot, decltype(give_back)> snapshot(db->take_snapshot(),
                                                                               give_back);
  if (record != nullptr) {
    record->reset();
    CASEBOX_TRY(const auto value, db->get(Family::kCase, id.view(), snapshot.get()));
    v1::CaseRecord parsed;
    if (value && parsed.ParseFromString(*value)) *record = std::move(parsed);
  }
  const Bytes prefix(id.view());
  return db->each(
      Family::kProof, prefix, after_prefix(prefix),
      [&](BytesView key, BytesView value) -> Result<void> {
        const auto proof = key.size() == kProofKeySize
                               ? parse_proof(key, value)
                               : Result<Proof>(Error{Code::kCorrupt, "its key has another size"});
        if (!proof)
          return annotate(proof.error(), impl_->dir.string() + ": proof row " + to_hex(key) +
                                             " is damaged; restore from a backup");
        return visit(*proof);
      },
      snapshot.get());
}

Result<StoredFrame> Shard::load(CaseId id, const Proof& proof) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  const Bytes key = key_of(id, proof);
  CASEBOX_TRY(auto value, db->get(family_of(proof.table), key));
  if (!value)
    return Error{Code::kCorrupt, impl_->dir.string() + ": row " + to_hex(key) +
                                     " is missing although it is counted; restore from a backup or "
                                     "replay the log"};
  CASEBOX_TRY(auto stored, impl_->load_frame(*db, proof.table, key, *value, nullptr));
  const frame::View view = stored.view();
  if (view.header.count != proof.count || frame::leaf_hash(view) != proof.leaf)
    return differs(impl_->dir.string(), key);
  return stored;
}

Result<frame::Header> Shard::load_header(CaseId id, const Proof& proof) const {
  if (proof.table != Table::kMedia) {
    CASEBOX_TRY(const auto stored, load(id, proof));
    return stored.view().header;
  }
  CASEBOX_TRY(const auto db, impl_->reading());
  const Bytes key = key_of(id, proof);
  CASEBOX_TRY(auto value, db->get(Family::kMedia, key));
  if (!value) return differs(impl_->dir.string(), key);
  CASEBOX_TRY(auto row, parse_media_row(*value));
  CASEBOX_TRY(const auto header, frame::parse_header(row.header));
  if (header.count != proof.count || header.first != proof.first || header.t != proof.t ||
      header.stream != proof.stream || frame::leaf_hash(row.header, row.body_sha256) != proof.leaf)
    return differs(impl_->dir.string(), key);
  return header;
}

Result<std::optional<Bytes>> Shard::verdict(CaseId id) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  return db->get(Family::kMeta, kVerdictPrefix + Bytes(id.view()));
}

Result<uint64_t> Shard::count_rows(CaseId id, Table table) const {
  uint64_t count = 0;
  const Bytes prefix(id.view());
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_CHECK(db->each(family_of(table), prefix, after_prefix(prefix),
                         [&](BytesView, BytesView) -> Result<void> {
                           ++count;
                           return ok();
                         }));
  return count;
}

}  // namespace casebox::storage
