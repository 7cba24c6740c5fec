#include "storage/quarantine.h"

// Quarantine rows and their counts (docs/formats/store.md).
#include <algorithm>

#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

constexpr size_t kKeySize = 49;
constexpr size_t kOldKeySize = 20;  // time source offset: form 1
constexpr const char* kCountPrefix = "quarantine/";
constexpr const char* kFormKey = "quarantine-form";
constexpr const char* kForm = "2";

Bytes class_prefix(bool waits) { return Bytes(1, waits ? '\0' : '\1'); }

Bytes row_key(const Quarantined& item, uint32_t source) {
  Bytes key = class_prefix(item.waits);
  key.append(item.case_id.view());
  append_be(key, item.epoch.value);
  append_be(key, item.stream.value);
  append_be(key, item.number);
  append_be(key, source);
  append_be(key, item.offset);
  return key;
}

void append_text(Bytes& out, BytesView text) {
  append_varint(out, text.size());
  out.append(text);
}

bool take_text(BytesView& in, std::string& text) {
  const auto size = take_varint(in);
  if (!size || *size > in.size()) return false;
  text = Bytes(in.substr(0, *size));
  in.remove_prefix(*size);
  return true;
}

Bytes encode_row(const Quarantined& item) {
  Bytes value;
  append_text(value, item.reason);
  append_text(value, item.detail);
  append_be(value, item.when.ns);
  value.append(item.bytes);
  return value;
}

bool parse_row_value(BytesView value, Quarantined& item) {
  if (!take_text(value, item.reason) || !take_text(value, item.detail) || value.size() < 8)
    return false;
  item.when.ns = load_be<int64_t>(value.data());
  item.bytes = Bytes(value.substr(8));
  return true;
}

/// Form 1 said in one text why.
void name_old_reason(Quarantined& item) {
  item.detail = std::exchange(item.reason, "refused");
  if (item.detail.starts_with("equivocation")) item.reason = "equivocation";
  if (auto header = frame::parse_header(item.bytes)) {
    item.epoch = header->epoch;
    item.stream = header->stream;
    item.number = header->first.value;
  }
}

bool parse_old(BytesView key, BytesView value, Quarantined& item) {
  if (value.size() < 16) return false;
  item.when.ns = load_be<int64_t>(key.data());
  item.offset = load_be<uint64_t>(key.data() + 12);
  auto id = id_from_bytes<CaseId>(value.substr(0, 16));
  value.remove_prefix(16);
  if (!id || !take_text(value, item.reason) || !take_text(value, item.source)) return false;
  item.case_id = *id;
  item.bytes = Bytes(value);
  name_old_reason(item);
  return true;
}

Bytes encode_tally(const Tally& tally) {
  Bytes value;
  for (uint64_t number :
       {tally.rows, tally.bytes, tally.beyond, tally.first_beyond, tally.last_beyond})
    append_be(value, number);
  return value;
}

std::optional<Tally> parse_tally(BytesView value) {
  if (value.size() != 40) return std::nullopt;
  const auto at = [&](size_t i) { return load_be<uint64_t>(value.data() + 8 * i); };
  return Tally{at(0), at(1), at(2), at(3), at(4)};
}

Bytes count_key(uint32_t source, const std::string& reason) {
  Bytes key = kCountPrefix;
  append_be(key, source);
  return key + reason;
}

void subtract(uint64_t& from, uint64_t what) { from -= std::min(from, what); }

/// The prefixes that a query asks for, in order.
std::vector<Bytes> prefixes_of(const QuarantineQuery& query) {
  std::vector<Bytes> out;
  for (bool waits : {true, false}) {
    if (query.waiting && *query.waiting != waits) continue;
    Bytes prefix = class_prefix(waits);
    if (query.case_id) prefix.append(query.case_id->view());
    if (query.case_id && query.epoch) append_be(prefix, query.epoch->value);
    if (query.case_id && query.epoch && query.stream) append_be(prefix, query.stream->value);
    out.push_back(std::move(prefix));
  }
  // Rows of form 1 stand behind the others, in a store that was not opened for writing since.
  if (!query.waiting && !query.case_id) out = {Bytes()};
  return out;
}

}  // namespace

Result<Tally*> Batch::Impl::tally(uint32_t source, const std::string& reason) {
  if (!shard->db) begun_closed = true;
  if (begun_closed) return Error{Code::kUnavailable, "the store is closed after a failed write"};
  auto [it, fresh] = tallies.try_emplace({source, reason});
  if (fresh) {
    auto stored = shard->db->get(Family::kMeta, count_key(source, reason));
    if (!stored) {
      tallies.erase(it);
      return stored.error();
    }
    if (*stored) it->second = parse_tally(**stored).value_or(Tally{});
  }
  return &it->second;
}

/// What stands under `key`, this batch's own changes included: its reason and size.
Result<std::optional<KeptRow>> Batch::Impl::kept(BytesView key) {
  if (const auto it = quarantined.find(Bytes(key)); it != quarantined.end()) return it->second;
  if (!shard->db) begun_closed = true;
  if (begun_closed) return Error{Code::kUnavailable, "the store is closed after a failed write"};
  CASEBOX_TRY(const auto stored, shard->db->get(Family::kQuarantine, key));
  if (!stored) return std::optional<KeptRow>{};
  BytesView value = *stored;
  std::optional<KeptRow> out(KeptRow{"", stored->size()});
  (void)take_text(value, out->reason);
  return out;
}

Result<void> Batch::Impl::uncount(BytesView key, const KeptRow& row) {
  const auto source = load_be<uint32_t>(key.data() + 37);
  CASEBOX_TRY(Tally * tally, this->tally(source, row.reason));
  subtract(tally->rows, 1);
  subtract(tally->bytes, row.bytes);
  put(Family::kMeta, count_key(source, row.reason), encode_tally(*tally));
  return ok();
}

Result<bool> Batch::put_quarantine(const Quarantined& item) {
  const uint32_t source = impl_->shard->source_id(item.source);
  const Bytes key = row_key(item, source);
  CASEBOX_TRY(const auto there, impl_->kept(key));
  if (there && there->reason == item.reason) return true;
  if (there) CASEBOX_CHECK(impl_->uncount(key, *there));
  CASEBOX_TRY(Tally * tally, impl_->tally(source, item.reason));
  if (impl_->quarantined.empty()) impl_->put(Family::kMeta, kFormKey, kForm);
  const QuarantineLimits& limits = impl_->shard->options.quarantine;
  const Bytes value = encode_row(item);
  const bool room =
      tally->rows < (item.waits ? limits.waiting_rows : limits.rows) &&
      tally->bytes + value.size() <= (item.waits ? limits.waiting_bytes : limits.bytes);
  if (room) {
    ++tally->rows;
    tally->bytes += value.size();
    impl_->put(Family::kQuarantine, key, value);
    impl_->quarantined[key] = KeptRow{item.reason, value.size()};
  } else {
    if (there) {
      impl_->remove(Family::kQuarantine, key);
      impl_->quarantined[key] = std::nullopt;
    }
    tally->first_beyond =
        tally->beyond == 0 ? item.offset : std::min(tally->first_beyond, item.offset);
    tally->last_beyond = std::max(tally->last_beyond, item.offset);
    ++tally->beyond;
  }
  impl_->put(Family::kMeta, count_key(source, item.reason), encode_tally(*tally));
  return room;
}

Result<void> Batch::take_quarantine(BytesView key) {
  if (key.size() != kKeySize)
    return Error{Code::kInvalidArgument, "no row of the quarantine has such a key"};
  CASEBOX_TRY(const auto there, impl_->kept(key));
  if (!there) return ok();
  CASEBOX_CHECK(impl_->uncount(key, *there));
  impl_->remove(Family::kQuarantine, key);
  impl_->quarantined[Bytes(key)] = std::nullopt;
  return ok();
}

Result<void> Batch::forget_beyond(const std::string& source, uint64_t from) {
  CASEBOX_TRY(const auto db, impl_->shard->reading());
  const uint32_t id = impl_->shard->source_id(source);
  Bytes prefix = kCountPrefix;
  append_be(prefix, id);
  std::vector<std::string> reasons;
  CASEBOX_CHECK(
      db->each(Family::kMeta, prefix, after_prefix(prefix), [&](BytesView key, BytesView) {
        reasons.emplace_back(key.substr(prefix.size()));
        return ok();
      }));
  for (const std::string& reason : reasons) {
    CASEBOX_TRY(Tally * tally, impl_->tally(id, reason));
    if (tally->beyond == 0 || tally->first_beyond < from) continue;
    tally->beyond = tally->first_beyond = tally->last_beyond = 0;
    impl_->put(Family::kMeta, count_key(id, reason), encode_tally(*tally));
  }
  return ok();
}

Result<QuarantinePage> Shard::quarantine(const QuarantineQuery& query) const {
  QuarantinePage page;
  CASEBOX_TRY(const auto db, impl_->reading());
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator({}, db->family(Family::kQuarantine)));
  size_t bytes = 0;
  for (const Bytes& prefix : prefixes_of(query)) {
    Bytes from = prefix;
    if (query.case_id && query.epoch && query.stream) append_be(from, query.from_number);
    if (query.after > from) from = query.after + Bytes(1, '\0');
    if (!prefix.empty() && !BytesView(from).starts_with(prefix)) continue;  // passed already
    for (it->Seek(slice(from)); it->Valid() && it->key().starts_with(slice(prefix)); it->Next()) {
      if (page.items.size() >= query.max_rows || bytes >= query.max_bytes) {
        page.after = page.items.back().key;
        return page;
      }
      const BytesView key = bytes_of(it->key());
      Quarantined item;
      item.key = Bytes(key);
      if (key.size() == kOldKeySize
              ? !parse_old(key, bytes_of(it->value()), item)
              : key.size() != kKeySize || !parse_row_value(bytes_of(it->value()), item)) {
        item.reason = "damaged-row";
      } else if (key.size() == kKeySize) {
        item.waits = key[0] == '\0';
        if (auto id = id_from_bytes<CaseId>(key.substr(1, 16))) item.case_id = *id;
        item.epoch = Epoch{load_be<uint64_t>(key.data() + 17)};
        item.stream = StreamId{load_be<uint32_t>(key.data() + 25)};
        item.number = load_be<uint64_t>(key.data() + 29);
        item.source = impl_->source_name(load_be<uint32_t>(key.data() + 37), *db);
        item.offset = load_be<uint64_t>(key.data() + 41);
      }
      bytes += it->value().size();
      page.items.push_back(std::move(item));
    }
    CASEBOX_CHECK(to_result(it->status(), db->where()));
  }
  return page;
}

Result<std::vector<Epoch>> Shard::quarantined_epochs(CaseId id, size_t limit) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  std::unique_ptr<rocksdb::Iterator> it(db->db().NewIterator({}, db->family(Family::kQuarantine)));
  std::vector<Epoch> out;
  for (bool waits : {true, false}) {
    const Bytes prefix = class_prefix(waits) + Bytes(id.view());
    it->Seek(slice(prefix));
    while (it->Valid() && it->key().starts_with(slice(prefix)) && out.size() < limit) {
      const BytesView key = bytes_of(it->key());
      if (key.size() != kKeySize) {
        it->Next();
        continue;
      }
      const Epoch epoch{load_be<uint64_t>(key.data() + prefix.size())};
      if (std::ranges::find(out, epoch) == out.end()) out.push_back(epoch);
      const Bytes behind = after_prefix(Bytes(key.substr(0, prefix.size() + 8)));
      it->Seek(slice(behind));
    }
    CASEBOX_CHECK(to_result(it->status(), db->where()));
  }
  return out;
}

Result<std::vector<QuarantineCount>> Shard::quarantine_counts(std::optional<CaseId> id) const {
  CASEBOX_TRY(const auto db, impl_->reading());
  std::map<std::pair<std::string, std::string>, QuarantineCount> counts;
  CASEBOX_TRY(const auto form, db->get(Family::kMeta, kFormKey));
  if (id && form) {
    // A case may have many rows: none of them is copied.
    for (bool waits : {true, false}) {
      const Bytes prefix = class_prefix(waits) + Bytes(id->view());
      CASEBOX_CHECK(db->each(
          Family::kQuarantine, prefix, after_prefix(prefix), [&](BytesView key, BytesView value) {
            std::string reason;
            if (key.size() != kKeySize || !take_text(value, reason)) reason = "damaged-row";
            const std::string source =
                key.size() != kKeySize
                    ? ""
                    : impl_->source_name(load_be<uint32_t>(key.data() + 37), *db);
            QuarantineCount& count = counts[{source, reason}];
            ++count.rows;
            count.bytes += value.size();
            return ok();
          }));
    }
  } else if (!form) {
    QuarantineQuery query;
    query.case_id = id;
    do {
      CASEBOX_TRY(auto page, quarantine(query));
      for (const Quarantined& item : page.items) {
        QuarantineCount& count = counts[{item.source, item.reason}];
        ++count.rows;
        count.bytes += item.bytes.size();
      }
      query.after = std::move(page.after);
    } while (!query.after.empty());
  } else {
    const Bytes prefix = kCountPrefix;
    CASEBOX_CHECK(
        db->each(Family::kMeta, prefix, after_prefix(prefix), [&](BytesView key, BytesView value) {
          const auto tally = parse_tally(value);
          if (!tally || key.size() < prefix.size() + 4 || tally->rows + tally->beyond == 0)
            return ok();
          const auto source = load_be<uint32_t>(key.data() + prefix.size());
          QuarantineCount count{impl_->source_name(source, *db),
                                Bytes(key.substr(prefix.size() + 4)),
                                tally->rows,
                                tally->bytes,
                                tally->beyond,
                                tally->first_beyond,
                                tally->last_beyond};
          counts[{count.source, count.reason}] = count;
          return ok();
        }));
  }
  std::vector<QuarantineCount> out;
  for (auto& [key, count] : counts) {
    count.source = key.first;
    count.reason = key.second;
    out.push_back(std::move(count));
  }
  return out;
}

/// Gives rows of form 1, whose keys began with a time, the keys of form 2. Cut short, it goes on at
/// the next opening: a row is written anew and removed in one batch.
Result<void> Shard::upgrade_quarantine() {
  CASEBOX_TRY(const auto form, impl_->db->get(Family::kMeta, kFormKey));
  while (!form) {
    Batch batch = begin();
    size_t bytes = 0;
    {
      std::unique_ptr<rocksdb::Iterator> it(
          impl_->db->db().NewIterator({}, impl_->db->family(Family::kQuarantine)));
      for (it->SeekToFirst(); it->Valid() && bytes < (8u << 20); it->Next()) {
        Quarantined item;
        if (it->key().size() != kOldKeySize) continue;
        if (!parse_old(bytes_of(it->key()), bytes_of(it->value()), item))
          item.reason = "damaged-row";
        bytes += it->key().size() + it->value().size();
        CASEBOX_CHECK(batch.put_quarantine(item));
        batch.impl_->remove(Family::kQuarantine, bytes_of(it->key()));
      }
      CASEBOX_CHECK(to_result(it->status(), impl_->db->where()));
    }
    if (bytes == 0) return ok();
    CASEBOX_CHECK(commit(std::move(batch)));
  }
  return ok();
}

}  // namespace casebox::storage
