#include <algorithm>

#include "proto/seal/seal.h"
#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

constexpr size_t kCached = 4096;  // streams whose longest duration is remembered

}  // namespace

Batch::Batch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;

Result<void> Batch::put_frame(CaseId case_id, uint32_t epoch_index, Table table,
                              const frame::View& frame, const Trailer& trailer,
                              const Digest* leaf) {
  const auto& h = frame.header;
  if (epoch_index > UINT16_MAX || h.next() > kMaxNumber)
    return Error{Code::kInvalidArgument,
                 "frame number or epoch index is beyond what a store can hold"};
  const bool control = h.stream == kControlStream;
  RawTrailer raw;
  raw.flags = static_cast<uint8_t>((trailer.late ? trailer_flag::kLate : 0) |
                                   (trailer.gap_before ? trailer_flag::kGapBefore : 0) |
                                   (control ? trailer_flag::kByReference : 0));
  raw.source = impl_->shard->source_id(trailer.source);
  raw.offset = trailer.offset;

  const auto index = static_cast<uint16_t>(epoch_index);
  if (control) table = Table::kEvent;
  ProofRow proof{table,
                 h.kind == frame::Kind::kGap,
                 h.t,
                 h.count,
                 leaf != nullptr ? *leaf : frame::leaf_hash(frame),
                 control ? frame.bytes : BytesView{}};
  impl_->put(Family::kProof, proof_key(case_id, index, h.stream, h.first.value),
             encode_proof_row(proof));

  Bytes key = row_key(table, {case_id, h.t, h.stream, index, h.first.value});
  if (table == Table::kMedia) {
    impl_->bytes += frame.bytes.size();
    impl_->media.push_back({case_id, h.stream, std::move(key), Bytes(frame.bytes), raw});
  } else {
    Bytes value;
    value.reserve(frame.bytes.size() + 16);
    if (!control) value.append(frame.bytes);
    append_trailer(value, raw);
    impl_->put(family_of(table), key, value);
  }
  auto [it, fresh] = impl_->tails.try_emplace(tail_key(case_id, table, h.stream), h.duration_us);
  if (!fresh && h.duration_us > it->second) it->second = h.duration_us;
  ++impl_->frames;
  return ok();
}

void Batch::put_case(const v1::CaseRecord& record) {
  impl_->put(Family::kCase, record.case_id(), record.SerializeAsString());
}

void Batch::put_epoch_opened(CaseId case_id, Epoch epoch, v1::ProducerRole role,
                             const Digest& leaf) {
  impl_->epochs.push_back({case_id, epoch, false, static_cast<uint8_t>(role), leaf, 0, 0});
}

void Batch::put_epoch_closed(CaseId case_id, Epoch epoch, v1::ProducerRole role,
                             const Digest& leaf) {
  impl_->epochs.push_back({case_id, epoch, true, static_cast<uint8_t>(role), leaf, 0, 0});
}

void Batch::put_verdict(CaseId case_id, BytesView kept) {
  impl_->put(Family::kMeta, kVerdictPrefix + Bytes(case_id.view()), kept);
}

void Batch::put_offset(const std::string& source, uint64_t next_offset) {
  Bytes value;
  append_be(value, next_offset);
  impl_->put(Family::kMeta, kOffsetPrefix + source, value);
}

void Batch::put_mark(const std::string& source, const SourceMark& mark) {
  Bytes value;
  append_be(value, mark.offset);
  append_be(value, mark.next_offset);
  impl_->put(Family::kMeta, kMarkPrefix + source, value + Bytes(view(mark.message)));
}

void Batch::remove_frame(CaseId case_id, uint32_t epoch_index, StreamId stream,
                         const Placed& placed) {
  const auto index = static_cast<uint16_t>(epoch_index);
  impl_->remove(Family::kProof, proof_key(case_id, index, stream, placed.first.value));
  impl_->remove(family_of(placed.table),
                row_key(placed.table, {case_id, placed.t, stream, index, placed.first.value}));
}

size_t Batch::bytes() const { return impl_->bytes; }
size_t Batch::frames() const { return impl_->frames; }

Result<Bytes> Shard::Impl::number(Batch::Impl& batch) {
  DbCommit commit;
  commit.counter = counter + 1;
  commit.base = base;
  commit.previous_base = previous_base;
  commit.ledger_records = ledger_records;
  commit.ledger_head = ledger_head;
  for (const LedgerEntry& entry : lost_rows)
    batch.put(Family::kMeta, ledger_key(entry), encode_ledger(entry, {}));
  std::set<Bytes> entered;
  for (LedgerEntry entry : batch.epochs) {
    const Bytes key = ledger_key(entry);
    CASEBOX_TRY(const auto stored, db->get(Family::kMeta, key));
    const auto lost = [&](const LedgerEntry& row) { return ledger_key(row) == key; };
    if (stored || !entered.insert(key).second || std::ranges::any_of(lost_rows, lost)) continue;
    entry.number = commit.ledger_records++;
    entry.commit = commit.counter;
    const Bytes record = encode_ledger(entry, commit.ledger_head);
    commit.ledger_head = storage::ledger_head(record);
    commit.ledger += record;
    batch.put(Family::kMeta, key, record);
  }
  batch.put(Family::kMeta, kCommitKey, encode_commit(commit));
  Bytes from = kCommitPrefix, to = kCommitPrefix, value;
  append_be(from, uint64_t{0});
  append_be(to, previous_base);
  if (first_of_base && previous_base > 0) batch.remove_range(Family::kMeta, from, to);
  Bytes key = kCommitPrefix;
  append_be(key, base);
  append_be(value, commit.counter);
  batch.put(Family::kMeta, key, value);
  return std::move(commit.ledger);
}

/// Media first, then one write: rows make media visible, so a crash between the two leaves only
/// bytes behind a committed length. Then the files that say so (opening.cpp).
Result<void> Shard::Impl::save(Batch::Impl& batch) {
  for (auto& item : batch.media) {
    CASEBOX_TRY(auto place, segments->append(item.case_id, item.stream, item.frame));
    MediaRow row{place.file, place.offset, item.frame.substr(0, frame::kHeaderSize),
                 seal::sha256(BytesView(item.frame).substr(frame::kHeaderSize)), item.trailer};
    batch.put(Family::kMedia, item.key, encode_media_row(row));
  }
  CASEBOX_TRY(auto lengths, segments->sync(options.sync));
  if (first_of_run) batch.remove_range(Family::kMeta, kTouchedPrefix, after_prefix(kTouchedPrefix));
  std::vector<Bytes> fresh;
  for (const auto& [key, length] : lengths) {
    const auto& [case_id, stream, file] = key;
    Bytes value;
    append_be(value, length);
    batch.put(Family::kSegment, segment_key(case_id, stream, file), value);
    Bytes name = kTouchedPrefix + Bytes(case_id.view());
    append_be(name, stream.value);
    if (touched.count(name) == 0) fresh.push_back(std::move(name));
  }
  for (const Bytes& name : fresh) batch.put(Family::kMeta, name, "");
  for (const auto& [key, duration] : batch.tails) {
    auto it = tails.find(key);
    if (it == tails.end()) {
      CASEBOX_TRY(const auto stored, db->get(Family::kTail, key));
      if (stored && stored->size() == 4)
        it = tails.emplace(key, load_be<uint32_t>(stored->data())).first;
    }
    if (it != tails.end() && it->second >= duration) continue;
    Bytes value;
    append_be(value, duration);
    batch.put(Family::kTail, key, value);
  }
  {
    std::lock_guard lock(mutex);
    for (uint32_t id : unsaved_sources) {
      Bytes key = kSourcePrefix;
      append_be(key, id);
      batch.put(Family::kMeta, key, source_names[id]);
    }
  }
  CASEBOX_TRY(const Bytes records, number(batch));
  CommitMark next{0,           counter + 1, ledger_records + records.size() / kLedgerRecordSize,
                  ledger_head, true,        false};
  if (!records.empty())
    next.ledger_head =
        storage::ledger_head(BytesView(records).substr(records.size() - kLedgerRecordSize));
  failed = true;  // until everything below is written
  rocksdb::WriteOptions write;
  write.sync = options.sync;
  CASEBOX_CHECK(to_result(db->db().Write(write, &batch.write), db->where()));
  if (!records.empty())
    CASEBOX_CHECK(append_ledger(ledger_file(), ledger_records, records, options.sync));
  CASEBOX_CHECK(commits->write(next, options.sync));
  counter = next.counter;
  ledger_records = next.ledger_records;
  ledger_head = next.ledger_head;
  lost_rows.clear();
  first_of_run = first_of_base = false;
  committed = true;
  touched.insert(fresh.begin(), fresh.end());
  unflushed += batch.write.GetDataSize() + size_t{64} * batch.write.Count();
  return ok();
}

Result<void> Shard::Impl::check_space(size_t bytes) const {
  std::error_code ec;
  const auto disk = std::filesystem::space(dir, ec);
  if (ec || disk.available >= options.reserve_bytes + bytes) return ok();
  return Error{Code::kNoSpace, dir.string() + ": no space left for " + std::to_string(bytes) +
                                   " bytes: " + std::to_string(disk.available >> 20) +
                                   " MiB are free and " +
                                   std::to_string(options.reserve_bytes >> 20) +
                                   " MiB are kept for upkeep; free space, then go on"};
}

Result<void> Shard::commit(Batch batch) {
  if (impl_->options.read_only)
    return Error{Code::kInvalidArgument,
                 impl_->dir.string() + ": opened read-only; open it for writing"};
  CASEBOX_CHECK(impl_->check_space(batch.bytes()));
  if (impl_->failed) CASEBOX_CHECK(impl_->reopen());
  if (batch.impl_->begun_closed)
    return Error{Code::kUnavailable, impl_->dir.string() +
                                         ": the batch was begun before the store was opened again "
                                         "after a failed write; make it anew"};
  auto saved = impl_->save(*batch.impl_);
  if (!saved) {
    // A failed write may yet be in RocksDB's log: then the next opening decides what is committed,
    // and only it may cut segments.
    if (!impl_->failed) impl_->segments->roll_back();
    return saved;
  }
  impl_->failed = false;
  impl_->segments->committed();
  if (impl_->tails.size() > kCached) impl_->tails.clear();
  if (impl_->touched.size() > kCached) impl_->touched.clear();
  for (const auto& [key, duration] : batch.impl_->tails) {
    auto& longest = impl_->tails[key];
    longest = std::max(longest, duration);
  }
  {
    std::lock_guard lock(impl_->mutex);
    impl_->unsaved_sources.clear();
  }
  // The batch is committed; if its tables cannot be written the next one opens RocksDB anew.
  if (impl_->unflushed >= impl_->options.write_buffer_bytes)
    impl_->failed = !impl_->flush_tables().has_value();
  return ok();
}

Batch Shard::begin() {
  auto impl = std::make_unique<Batch::Impl>();
  impl->shard = impl_.get();
  return Batch(std::move(impl));
}

}  // namespace casebox::storage
