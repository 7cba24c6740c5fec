// A merge of one iterator per stream (the event family is time-major already: one for all) by a
// heap.
#include <algorithm>
#include <queue>

#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

/// One iterator with its bounds, which RocksDB borrows.
struct ScanSource {
  Table table;
  Bytes upper;
  rocksdb::Slice bound;
  std::unique_ptr<rocksdb::Iterator> it;
  RowKey at;
};

int64_t minus(int64_t t, int64_t d) { return t < INT64_MIN + d ? INT64_MIN : t - d; }

}  // namespace

struct Scan::Impl {
  const Shard::Impl* shard = nullptr;
  std::shared_ptr<Database> db;
  const rocksdb::Snapshot* snapshot = nullptr;
  ScanRange range;
  std::vector<std::unique_ptr<ScanSource>> sources;
  std::vector<ScanSource*> heap;

  ~Impl() {
    sources.clear();
    if (db) db->give_back(snapshot);
  }

  static bool later(const ScanSource* a, const ScanSource* b) {
    auto place = [](const RowKey& k) { return std::tie(k.t, k.stream, k.epoch_index, k.number); };
    return place(a->at) > place(b->at);
  }

  bool wanted(StreamId stream) const {
    return range.streams.empty() ||
           std::find(range.streams.begin(), range.streams.end(), stream) != range.streams.end();
  }

  /// Puts a source on the heap if it has a row.
  Result<void> push(ScanSource* source) {
    if (!source->it->Valid()) return to_result(source->it->status(), db->where());
    CASEBOX_TRY(source->at, parse_row_key(source->table, bytes_of(source->it->key())));
    heap.push_back(source);
    std::push_heap(heap.begin(), heap.end(), later);
    return ok();
  }

  Result<void> add(Table table, StreamId stream, int64_t longest_us) {
    auto source = std::make_unique<ScanSource>();
    source->table = table;
    RowKey low{range.case_id, CaseTime{minus(range.from.ns, longest_us * 1000)}, StreamId{0}, 0, 0};
    RowKey high{range.case_id, range.to, StreamId{0}, 0, 0};
    if (table != Table::kEvent) low.stream = high.stream = stream;
    source->upper = row_key(table, high);
    source->bound = slice(source->upper);
    rocksdb::ReadOptions read;
    read.snapshot = snapshot;
    read.iterate_upper_bound = &source->bound;
    if (range.to.ns > range.from.ns && range.to.ns / 2 - range.from.ns / 2 > 60'000'000'000)
      read.readahead_size = 1 << 20;
    source->it.reset(db->db().NewIterator(read, db->family(family_of(table))));
    source->it->Seek(slice(row_key(table, low)));
    sources.push_back(std::move(source));
    return push(sources.back().get());
  }
};

Scan::Scan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scan::~Scan() = default;
Scan::Scan(Scan&&) noexcept = default;

Result<Scan> Shard::scan(const ScanRange& range) const {
  auto impl = std::make_unique<Scan::Impl>();
  impl->shard = impl_.get();
  CASEBOX_TRY(impl->db, impl_->reading());
  impl->range = range;
  impl->snapshot = impl->db->take_snapshot();
  if (range.from >= range.to) return Scan(std::move(impl));

  int64_t longest_event = -1;
  std::vector<std::tuple<Table, StreamId, int64_t>> rest;
  const Bytes prefix(range.case_id.view());
  CASEBOX_CHECK(impl->db->each(
      Family::kTail, prefix, after_prefix(prefix),
      [&](BytesView key, BytesView value) -> Result<void> {
        if (key.size() != 21 || value.size() != 4 || static_cast<uint8_t>(key[16]) > 2)
          return Error{Code::kCorrupt,
                       impl_->dir.string() + ": tail row is damaged; restore from a backup"};
        const auto table = static_cast<Table>(key[16]);
        const StreamId stream{load_be<uint32_t>(key.data() + 17)};
        const int64_t longest = load_be<uint32_t>(value.data());
        if (!impl->wanted(stream)) return ok();
        if (table == Table::kEvent) {
          longest_event = std::max(longest_event, longest);
        } else {
          rest.emplace_back(table, stream, longest);
        }
        return ok();
      },
      impl->snapshot));
  if (longest_event >= 0) CASEBOX_CHECK(impl->add(Table::kEvent, StreamId{0}, longest_event));
  for (const auto& [table, stream, longest] : rest)
    CASEBOX_CHECK(impl->add(table, stream, longest));
  return Scan(std::move(impl));
}

Result<std::optional<StoredFrame>> Scan::next() {
  auto& heap = impl_->heap;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), Impl::later);
    ScanSource* source = heap.back();
    heap.pop_back();
    if (!impl_->wanted(source->at.stream)) {
      source->it->Next();
      CASEBOX_CHECK(impl_->push(source));
      continue;
    }
    auto loaded = impl_->shard->load_frame(*impl_->db, source->table, bytes_of(source->it->key()),
                                           bytes_of(source->it->value()), impl_->snapshot);
    source->it->Next();
    CASEBOX_CHECK(impl_->push(source));
    if (!loaded) return loaded.error();
    CASEBOX_TRY(auto header, frame::parse_header(loaded->bytes));
    const auto& range = impl_->range;
    const bool derived = header.has(frame::flag::kDerived);
    if (header.t < range.from && header.end() <= range.from) continue;
    if ((derived && !range.derived) || (!derived && !range.recorder)) continue;
    if (range.epoch && header.epoch != *range.epoch) continue;
    return std::optional<StoredFrame>(std::move(*loaded));
  }
  return std::optional<StoredFrame>{};
}

Result<void> Shard::for_each_media_header(
    CaseId id, StreamId stream,
    const std::function<Result<void>(const frame::Header&)>& visit) const {
  Bytes prefix(id.view());
  append_be(prefix, stream.value);
  CASEBOX_TRY(const auto db, impl_->reading());
  return db->each(Family::kMedia, prefix, after_prefix(prefix),
                  [&](BytesView key, BytesView value) -> Result<void> {
                    auto row = parse_media_row(value);
                    if (!row)
                      return annotate(row.error(), impl_->dir.string() + ": row " + to_hex(key) +
                                                       " is damaged; restore from a backup");
                    CASEBOX_TRY(const auto header, frame::parse_header(row->header));
                    return visit(header);
                  });
}

}  // namespace casebox::storage
