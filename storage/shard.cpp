#include <algorithm>

#include "proto/base/parallel.h"
#include "proto/seal/seal.h"
#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

/// A case record; of a row that does not parse or tells of another case only whose it is. One such
/// row hides neither its own case (what is proven of it is rebuilt from its frames) nor others.
v1::CaseRecord case_row(BytesView id, BytesView value) {
  v1::CaseRecord record;
  if (record.ParseFromArray(value.data(), static_cast<int>(value.size())) && record.case_id() == id)
    return record;
  record.Clear();
  record.set_case_id(Bytes(id));
  record.set_kind(v1::CASE_KIND_OPERATION);
  return record;
}

}  // namespace

frame::View StoredFrame::view() const {
  auto parsed = frame::parse(bytes);
  return parsed ? *parsed : frame::View{};
}

uint32_t Shard::Impl::source_id(const std::string& name) {
  std::lock_guard lock(mutex);
  auto [it, fresh] = source_ids.try_emplace(name, 0);
  if (fresh) {
    it->second = static_cast<uint32_t>(source_ids.size());
    source_names[it->second] = name;
    unsaved_sources.insert(it->second);
  }
  return it->second;
}

std::string Shard::Impl::source_name(uint32_t id, Database& at) const {
  std::lock_guard lock(mutex);
  auto it = source_names.find(id);
  if (it != source_names.end()) return it->second;
  Bytes key = kSourcePrefix;
  append_be(key, id);
  auto found = at.get(Family::kMeta, key);
  return found && *found ? source_names[id] = **found : std::string();
}

Trailer Shard::Impl::trailer(const RawTrailer& raw, Database& at) const {
  return {(raw.flags & trailer_flag::kLate) != 0, (raw.flags & trailer_flag::kGapBefore) != 0,
          source_name(raw.source, at), raw.offset};
}

Result<StoredFrame> Shard::Impl::load_frame(Database& at, Table table, BytesView key,
                                            BytesView value,
                                            const rocksdb::Snapshot* snapshot) const {
  auto fail = [&](const Error& error) {
    return annotate(
        Error{Code::kCorrupt, error.message + "; restore from a backup or replay the log"},
        dir.string() + ": row " + to_hex(key));
  };
  auto row_key = parse_row_key(table, key);
  if (!row_key) return fail(row_key.error());
  StoredFrame out;
  RawTrailer raw;
  if (table == Table::kMedia) {
    auto row = parse_media_row(value);
    if (!row) return fail(row.error());
    auto header = frame::parse_header(row->header);
    if (!header) return fail(header.error());
    CASEBOX_TRY(out.bytes,
                Segments::read(media_dir(), row_key->case_id, row_key->stream,
                               {row->file, row->offset}, frame::kHeaderSize + header->body_size));
    if (out.bytes.compare(0, frame::kHeaderSize, row->header) != 0)
      return fail({Code::kCorrupt, frame::parse(out.bytes)
                                       ? "a whole frame stands in its segment that is not the "
                                         "frame that was proven"
                                       : "segment holds another frame than its row says"});
    raw = row->trailer;
  } else {
    auto row = parse_row(value);
    if (!row) return fail(row.error());
    raw = row->trailer;
    if ((raw.flags & trailer_flag::kByReference) != 0) {
      CASEBOX_TRY(auto stored, at.get(Family::kProof,
                                      proof_key(row_key->case_id, row_key->epoch_index,
                                                row_key->stream, row_key->number),
                                      snapshot));
      if (!stored) return fail({Code::kCorrupt, "its frame is missing from the proof family"});
      auto proof = parse_proof_row(*stored);
      if (!proof) return fail(proof.error());
      out.bytes = Bytes(proof->inline_frame);
    } else {
      out.bytes = Bytes(row->frame);
    }
  }
  auto parsed = frame::parse(out.bytes);
  if (!parsed) return fail(parsed.error());
  const auto& h = parsed->header;
  if (parsed->bytes.size() != out.bytes.size() || h.stream != row_key->stream ||
      h.t != row_key->t || h.first.value != row_key->number)
    return fail({Code::kCorrupt,
                 "holds the frame of another place, which is not the frame that was proven"});
  out.trailer = trailer(raw, at);
  return out;
}

Result<StoredFrame> Shard::Impl::load_placed(Database& at, BytesView key, BytesView value,
                                             const rocksdb::Snapshot* snapshot) const {
  auto proof = parse_proof_row(value);
  if (!proof || key.size() != kProofKeySize)
    return Error{Code::kCorrupt, dir.string() + ": proof row " + to_hex(key) +
                                     " is damaged; restore from a backup"};
  RowKey row{{},
             proof->t,
             StreamId{load_be<uint32_t>(key.data() + 18)},
             load_be<uint16_t>(key.data() + 16),
             proof_number(key)};
  CASEBOX_TRY(row.case_id, id_from_bytes<CaseId>(key.substr(0, 16)));
  const Bytes stored_key = row_key(proof->table, row);
  CASEBOX_TRY(auto stored, at.get(family_of(proof->table), stored_key, snapshot));
  if (!stored)
    return Error{Code::kCorrupt, dir.string() + ": row " + to_hex(stored_key) +
                                     " is missing although it is counted; restore from a backup"};
  return load_frame(at, proof->table, stored_key, *stored, snapshot);
}

Result<std::vector<std::pair<std::string, uint64_t>>> Shard::offsets() const {
  std::vector<std::pair<std::string, uint64_t>> out;
  const Bytes from = kOffsetPrefix;
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_CHECK(db->each(
      Family::kMeta, from, after_prefix(from), [&](BytesView key, BytesView value) -> Result<void> {
        if (value.size() != 8)
          return Error{Code::kCorrupt, impl_->dir.string() +
                                           ": stored bus offset is damaged; restore from a backup"};
        out.emplace_back(Bytes(key.substr(from.size())), load_be<uint64_t>(value.data()));
        return ok();
      }));
  return out;
}

Result<std::map<std::string, SourceMark>> Shard::marks() const {
  CASEBOX_TRY(const auto places, offsets());
  const std::map<std::string, uint64_t> next(places.begin(), places.end());
  std::map<std::string, SourceMark> out;
  const Bytes from = kMarkPrefix;
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_CHECK(db->each(Family::kMeta, from, after_prefix(from),
                         [&](BytesView key, BytesView value) -> Result<void> {
                           SourceMark mark;
                           if (value.size() != 16 + mark.message.size()) return ok();
                           mark.offset = load_be<uint64_t>(value.data());
                           mark.next_offset = load_be<uint64_t>(value.data() + 8);
                           std::copy_n(value.data() + 16, mark.message.size(),
                                       reinterpret_cast<char*>(mark.message.data()));
                           const auto place = next.find(std::string(key.substr(from.size())));
                           if (place != next.end() && place->second == mark.next_offset)
                             out.emplace(place->first, mark);
                           return ok();
                         }));
  return out;
}

Result<std::optional<v1::CaseRecord>> Shard::find_case(CaseId id) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_TRY(auto value, db->get(Family::kCase, id.view()));
  if (!value) return std::optional<v1::CaseRecord>{};
  return std::optional<v1::CaseRecord>(case_row(id.view(), *value));
}

Result<std::vector<v1::CaseRecord>> Shard::cases() const {
  std::vector<v1::CaseRecord> out;
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_CHECK(
      db->each(Family::kCase, {}, {}, [&](BytesView key, BytesView value) -> Result<void> {
        if (key.size() == CaseId{}.view().size()) out.push_back(case_row(key, value));
        return ok();
      }));
  return out;
}

Result<std::vector<CaseRow>> Shard::case_rows() const {
  std::vector<std::pair<Bytes, Bytes>> rows;
  std::vector<CaseRow> out;
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_CHECK(
      db->each(Family::kCase, {}, {}, [&](BytesView key, BytesView value) -> Result<void> {
        if (key.size() == CaseId{}.view().size()) rows.emplace_back(key, value);
        return ok();
      }));
  out.resize(rows.size());
  for_each_index(rows.size(), [&](size_t i) {
    out[i].record = case_row(rows[i].first, rows[i].second);
    out[i].digest = seal::sha256(rows[i].second);
  });
  const Bytes prefix = kVerdictPrefix;
  size_t at = 0;  // both are in order of case ids
  CASEBOX_CHECK(db->each(Family::kMeta, prefix, after_prefix(prefix),
                         [&](BytesView key, BytesView value) -> Result<void> {
                           key.remove_prefix(prefix.size());
                           while (at < rows.size() && BytesView(rows[at].first) < key) ++at;
                           if (at < rows.size() && rows[at].first == key)
                             out[at].verdict = Bytes(value);
                           return ok();
                         }));
  return out;
}

Result<std::optional<CaseRow>> Shard::find_row(CaseId id) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_TRY(const auto value, db->get(Family::kCase, id.view()));
  if (!value) return std::optional<CaseRow>{};
  CASEBOX_TRY(auto kept, verdict(id));
  return std::optional(CaseRow{case_row(id.view(), *value), seal::sha256(*value),
                               std::move(kept).value_or(Bytes())});
}

Result<void> Shard::flush() { return impl_->flush_tables(); }

}  // namespace casebox::storage
