// Reads by number: identity, overlaps, chains, verification.
#include <algorithm>

#include "storage/internal/shard_impl.h"

namespace casebox::storage {

Result<std::optional<StoredFrame>> Shard::find_frame(CaseId id, uint32_t epoch_index, Table,
                                                     StreamId stream, ItemNumber first) const {
  const Bytes key = proof_key(id, static_cast<uint16_t>(epoch_index), stream, first.value);
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_TRY(auto value, db->get(Family::kProof, key));
  if (!value) return std::optional<StoredFrame>{};
  CASEBOX_TRY(auto found, impl_->load_placed(*db, key, *value, nullptr));
  return std::optional<StoredFrame>(std::move(found));
}

Result<std::optional<StoredFrame>> Shard::find_overlap(CaseId id, uint32_t epoch_index,
                                                       StreamId stream, ItemNumber first,
                                                       uint32_t count) const {
  const Bytes prefix = proof_prefix(id, static_cast<uint16_t>(epoch_index), stream);
  const Bytes key = proof_key(id, static_cast<uint16_t>(epoch_index), stream, first.value);
  CASEBOX_TRY(const auto db, impl_->reading());
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator({}, db->family(Family::kProof)));
  it->SeekForPrev(slice(key));
  if (!it->Valid() || !it->key().starts_with(slice(prefix))) {
    CASEBOX_CHECK(to_result(it->status(), db->where()));
    it->Seek(slice(prefix));
  }
  for (; it->Valid() && it->key().starts_with(slice(prefix)); it->Next()) {
    const uint64_t number = proof_number(bytes_of(it->key()));
    if (number >= first.value + count) break;
    auto proof = parse_proof_row(bytes_of(it->value()));
    if (proof && number + proof->count <= first.value) continue;
    CASEBOX_TRY(auto found,
                impl_->load_placed(*db, bytes_of(it->key()), bytes_of(it->value()), nullptr));
    return std::optional<StoredFrame>(std::move(found));
  }
  CASEBOX_CHECK(to_result(it->status(), db->where()));
  return std::optional<StoredFrame>{};
}

Result<std::vector<Placed>> Shard::placed(CaseId id, uint32_t epoch_index, StreamId stream,
                                          ItemNumber first, uint64_t last, size_t limit) const {
  std::vector<Placed> out;
  const auto index = static_cast<uint16_t>(epoch_index);
  const Bytes prefix = proof_prefix(id, index, stream);
  CASEBOX_TRY(const auto db, impl_->reading());
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator({}, db->family(Family::kProof)));
  // Rows do not overlap, so of those before `first` only the last can reach it.
  it->SeekForPrev(slice(proof_key(id, index, stream, std::min(first.value, kMaxNumber))));
  if (!it->Valid() || !it->key().starts_with(slice(prefix))) {
    CASEBOX_CHECK(to_result(it->status(), db->where()));
    it->Seek(slice(prefix));
  }
  for (; it->Valid() && it->key().starts_with(slice(prefix)) && out.size() < limit; it->Next()) {
    const uint64_t number = proof_number(bytes_of(it->key()));
    if (number >= last) break;
    CASEBOX_TRY(const auto proof, parse_proof_row(bytes_of(it->value())));
    if (number + proof.count <= first.value) continue;
    out.push_back({ItemNumber{number}, proof.count, proof.leaf, proof.table, proof.t});
  }
  CASEBOX_CHECK(to_result(it->status(), db->where()));
  return out;
}

Result<uint64_t> Shard::end_number(CaseId id, uint32_t epoch_index, StreamId stream) const {
  const Bytes prefix = proof_prefix(id, static_cast<uint16_t>(epoch_index), stream);
  CASEBOX_TRY(const auto db, impl_->reading());
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator({}, db->family(Family::kProof)));
  it->SeekForPrev(slice(proof_key(id, static_cast<uint16_t>(epoch_index), stream, kMaxNumber)));
  CASEBOX_CHECK(to_result(it->status(), db->where()));
  if (!it->Valid() || !it->key().starts_with(slice(prefix))) return uint64_t{0};
  CASEBOX_TRY(auto proof, parse_proof_row(bytes_of(it->value())));
  return proof_number(bytes_of(it->key())) + proof.count;
}

Result<void> Shard::for_each_leaf(
    CaseId id, uint32_t epoch_index, StreamId stream, ItemNumber from,
    const std::function<bool(ItemNumber, uint32_t, const Digest&)>& visit) const {
  const auto index = static_cast<uint16_t>(epoch_index);
  CASEBOX_TRY(const auto db, impl_->reading());
  const Bytes end = after_prefix(proof_prefix(id, index, stream));
  rocksdb::ReadOptions read;
  const rocksdb::Slice bound = slice(end);
  if (!end.empty()) read.iterate_upper_bound = &bound;
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator(read, db->family(Family::kProof)));
  for (it->Seek(slice(proof_key(id, index, stream, from.value))); it->Valid(); it->Next()) {
    CASEBOX_TRY(auto proof, parse_proof_row(bytes_of(it->value())));
    if (!visit(ItemNumber{proof_number(bytes_of(it->key()))}, proof.count, proof.leaf)) break;
  }
  return to_result(it->status(), db->where());
}

Result<void> Shard::for_each_frame(
    CaseId id, Epoch epoch, StreamId stream,
    const std::function<Result<void>(const StoredFrame&)>& visit) const {
  return visit_frames(id, epoch, stream, false, visit);
}

Result<void> Shard::for_each_gap(
    CaseId id, Epoch epoch, StreamId stream,
    const std::function<Result<void>(const StoredFrame&)>& visit) const {
  return visit_frames(id, epoch, stream, true, visit);
}

Result<void> Shard::for_each_control(
    CaseId id, Epoch epoch, frame::Kind kind,
    const std::function<Result<void>(const frame::View&)>& visit) const {
  CASEBOX_TRY(auto record, find_case(id));
  if (!record) return Error{Code::kNotFound, "case " + to_string(id) + " is not in this store"};
  for (const auto& e : record->epochs()) {
    if (e.epoch() != epoch.value) continue;
    const Bytes from = proof_prefix(id, static_cast<uint16_t>(e.index()), kControlStream);
    CASEBOX_TRY(const auto db, impl_->reading());
    return db->each(
        Family::kProof, from, after_prefix(from),
        [&](BytesView key, BytesView value) -> Result<void> {
          const auto damaged = [&](const std::string& what) {
            return Error{Code::kCorrupt, impl_->dir.string() + ": proof row " + to_hex(key) + " " +
                                             what + "; restore from a backup"};
          };
          auto proof = parse_proof_row(value);
          if (!proof) return damaged("is damaged");
          auto header = frame::parse_header(proof->inline_frame);
          if (!header) return damaged("holds no frame");
          if (header->kind != kind) return ok();
          auto frame = frame::parse(proof->inline_frame);
          if (!frame || frame->header.epoch != epoch || proof->leaf != frame::leaf_hash(*frame))
            return damaged("differs from the leaf hash taken when it was stored");
          return visit(*frame);
        });
  }
  return Error{Code::kNotFound, "epoch " + to_string(epoch) + " is not in case " + to_string(id)};
}

Result<void> Shard::visit_frames(
    CaseId id, Epoch epoch, StreamId stream, bool gaps_only,
    const std::function<Result<void>(const StoredFrame&)>& visit) const {
  CASEBOX_TRY(auto record, find_case(id));
  if (!record) return Error{Code::kNotFound, "case " + to_string(id) + " is not in this store"};
  for (const auto& e : record->epochs()) {
    if (e.epoch() != epoch.value) continue;
    CASEBOX_TRY(const auto db, impl_->reading());
    const auto give_back = [&](const rocksdb::Snapshot* held) { db->give_back(held); };
    const std::unique_ptr<const rocksdb::Snapshot, decltype(give_back)> snapshot(
        db->take_snapshot(), give_back);
    const Bytes from = proof_prefix(id, static_cast<uint16_t>(e.index()), stream);
    return db->each(
        Family::kProof, from, after_prefix(from),
        [&](BytesView key, BytesView value) -> Result<void> {
          auto proof = parse_proof_row(value);
          if (gaps_only && proof && !proof->gap) return ok();
          CASEBOX_TRY(auto stored, impl_->load_placed(*db, key, value, snapshot.get()));
          auto frame = stored.view();
          if (frame.header.epoch != epoch)
            return Error{Code::kCorrupt,
                         impl_->dir.string() + ": proof row " + to_hex(key) +
                             " leads to a frame of another epoch; restore from a backup"};
          if (proof && proof->leaf != frame::leaf_hash(frame))
            return Error{
                Code::kCorrupt,
                impl_->dir.string() + ": row " + to_hex(key) +
                    " differs from the leaf hash taken when it was stored; restore from a backup"};
          return visit(stored);
        },
        snapshot.get());
  }
  return Error{Code::kNotFound, "epoch " + to_string(epoch) + " is not in case " + to_string(id)};
}

}  // namespace casebox::storage
