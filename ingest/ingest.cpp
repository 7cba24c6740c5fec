#include "ingest/ingest.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "ingest/internal/case_state.h"

namespace casebox::ingest {

using storage::Shard;
using storage::Table;

struct Ingest::Impl {
  bus::Subscriber& subscriber;
  storage::Store& store;
  Clock& clock;
  Options options;
  Progress progress;
  Progress committed;  // what progress returns to when a commit fails

  std::map<CaseId, std::unique_ptr<CaseState>> cases;
  std::map<Shard*, storage::Batch> batches;
  std::map<std::string, uint64_t> offsets;  // of the batch
  std::vector<CaseId> closed;               // in commits since take_closed
  std::vector<bus::Delivery> pending;       // of the batch: applied again if the commit fails
  bool replay = false;
  bool media_only = true;
  size_t batch_bytes = 0;
  MonoTime began;

  storage::Batch& batch(Shard& shard) {
    auto it = batches.find(&shard);
    if (it == batches.end()) it = batches.emplace(&shard, shard.begin()).first;
    return it->second;
  }

  Result<CaseState*> state(CaseId id, uint32_t partition) {
    auto& slot = cases[id];
    if (slot) return slot.get();
    Shard& shard = store.shard(partition);
    auto found = shard.find_case(id);
    if (!found) return found.error();
    v1::CaseRecord record;
    if (*found) record = std::move(**found);
    record.set_case_id(Bytes(id.view()));
    record.set_partition(partition);
    slot = std::make_unique<CaseState>(id, std::move(record), &shard);
    return slot.get();
  }

  Result<void> handle(const bus::Delivery& delivery);
  Result<void> store_frame(const bus::Delivery& delivery, const frame::View& frame,
                           CaseState& state);
  void quarantine(const bus::Delivery& delivery, const std::string& reason, bool equivocation);
  Result<void> write_batches();
  Result<void> commit();
  Result<void> accept(bus::Delivery delivery);
  Result<void> apply_again();
};

Ingest::Ingest() = default;
Ingest::~Ingest() = default;
const Progress& Ingest::progress() const { return impl_->progress; }

void Ingest::Impl::quarantine(const bus::Delivery& delivery, const std::string& reason,
                              bool equivocation) {
  storage::Quarantined item;
  item.reason = reason;
  item.source = delivery.source;
  item.offset = delivery.offset;
  item.when = clock.utc();
  item.case_id = delivery.message.case_id;
  item.bytes = delivery.message.frame.substr(0, frame::kHeaderSize + frame::kMaxBody);
  if (item.bytes.size() < delivery.message.frame.size())
    item.reason +=
        " (" + std::to_string(delivery.message.frame.size()) + " bytes; the first are kept)";
  batch(store.shard(delivery.message.partition)).put_quarantine(item);
  ++progress.quarantined;
  if (equivocation) ++progress.equivocations;
  auto it = cases.find(item.case_id);
  if (it == cases.end() || !it->second) return;
  auto& record = it->second->record();
  record.set_quarantined(record.quarantined() + 1);
  if (equivocation) record.set_equivocations(record.equivocations() + 1);
  it->second->dirty = true;
}

Result<void> Ingest::Impl::handle(const bus::Delivery& delivery) {
  const auto& message = delivery.message;
  auto frame = frame::parse(message.frame);
  if (!frame || frame->bytes.size() != message.frame.size() || message.case_id.is_nil()) {
    quarantine(delivery,
               !frame                     ? frame.error().message
               : message.case_id.is_nil() ? "message names no case"
                                          : "bytes behind the frame",
               false);
    return ok();
  }
  if (frame->header.kind == frame::Kind::kDraft) {
    ++progress.drafts;
    return ok();
  }
  CASEBOX_TRY(CaseState * known, state(message.case_id, message.partition));
  if (auto checked = CaseState::check(*frame, message.case_id); !checked) {
    quarantine(delivery, checked.error().message, false);
    return ok();
  }
  return store_frame(delivery, *frame, *known);
}

Result<void> Ingest::Impl::store_frame(const bus::Delivery& delivery, const frame::View& frame,
                                       CaseState& known) {
  const auto& h = frame.header;
  auto& epoch = known.epoch(h.epoch, delivery.message.producer);
  CASEBOX_TRY(StreamState * stream, known.stream(epoch, h.stream));
  if (h.first.value < stream->end) {
    // Rows of the batch are not visible yet. A commit only writes; it leaves `known` as it is.
    CASEBOX_CHECK(write_batches());
    CASEBOX_TRY(auto there,
                known.shard().find_overlap(known.id(), epoch.index(), h.stream, h.first, h.count));
    if (there) {
      if (there->bytes == delivery.message.frame) {
        ++progress.duplicates;
      } else {
        quarantine(delivery, "equivocation: these numbers are stored already with other bytes",
                   true);
      }
      return ok();
    }
  }
  const v1::Stream entry = h.stream == kControlStream ? v1::Stream() : stream->record->stream();
  Table table = Table::kEvent;
  if (h.stream != kControlStream)
    table = entry.kind() != v1::STREAM_KIND_UNSPECIFIED  ? table_of(entry.kind())
            : delivery.message.lane == bus::Lane::kWave  ? Table::kWave
            : delivery.message.lane == bus::Lane::kMedia ? Table::kMedia
                                                         : Table::kEvent;
  storage::Trailer trailer;
  trailer.source = delivery.source;
  trailer.offset = delivery.offset;
  trailer.gap_before = h.first.value > stream->end;
  // A study goes on whenever it is run again: nothing of it is late.
  trailer.late = known.record().state() == v1::CASE_STATE_CLOSED && !h.has(frame::flag::kDerived) &&
                 storage::is_operation(known.record());
  const Digest leaf = frame::leaf_hash(frame);
  CASEBOX_CHECK(
      batch(known.shard()).put_frame(known.id(), epoch.index(), table, frame, trailer, &leaf));
  media_only = media_only && table == Table::kMedia;
  batch_bytes += frame.bytes.size();
  ++progress.frames;
  progress.bytes += frame.bytes.size();
  const bool first = epoch.signing_key().empty();
  known.apply(frame, epoch, *stream, leaf);
  if (first && !epoch.signing_key().empty())
    batch(known.shard()).put_epoch_opened(known.id(), h.epoch, epoch.role(), leaf);
  return ok();
}

/// One write per shard; offsets go last, with the first shard's write. With one shard that is one
/// write; with several a crash between two brings frames again whose identity is then known.
Result<void> Ingest::Impl::write_batches() {
  if (batches.empty() && offsets.empty()) return ok();
  for (auto& [id, state] : cases) {
    if (!state) continue;
    state->update_state();
    for (const auto& covered : state->take_covered())
      batch(state->shard()).put_epoch_closed(id, covered.epoch, covered.role, covered.leaf);
    if (!state->dirty) continue;
    batch(state->shard()).put_case(state->record());
  }
  Shard& first = store.shard(0);
  for (auto it = batches.begin(); it != batches.end();) {
    if (it->first == &first) {
      ++it;
      continue;
    }
    // Each shard says up to where it has everything, should it lose its newest commits.
    for (const auto& [source, next] : offsets) it->second.put_offset(source, next);
    CASEBOX_CHECK(it->first->commit(std::move(it->second)));
    it = batches.erase(it);
  }
  auto& last = batch(first);
  for (const auto& [source, next] : offsets) last.put_offset(source, next);
  CASEBOX_CHECK(first.commit(std::move(last)));
  batches.clear();
  offsets.clear();
  pending.clear();
  batch_bytes = 0;
  media_only = true;
  for (auto& [id, state] : cases) {
    if (!state) continue;
    state->dirty = false;
    if (std::exchange(state->just_closed, false) && storage::is_operation(state->record()))
      closed.push_back(id);
  }
  ++progress.commits;
  committed = progress;
  return ok();
}

Result<void> Ingest::Impl::commit() {
  if (replay) CASEBOX_CHECK(apply_again());
  auto all = [&]() -> Result<void> {
    CASEBOX_CHECK(write_batches());
    for (auto& [id, state] : cases) {
      if (!state) continue;
      CASEBOX_CHECK(state->follow_chains());
      state->update_state();
      if (state->dirty) batch(state->shard());
    }
    return write_batches();
  };
  auto done = all();
  if (!done) {
    replay = true;
    batches.clear();
    offsets.clear();
    cases.clear();
    progress = committed;
  }
  return done;
}

Result<void> Ingest::Impl::accept(bus::Delivery delivery) {
  auto handled = handle(delivery);
  if (handled) offsets[delivery.source] = delivery.next_offset;
  pending.push_back(std::move(delivery));
  if (!handled) {
    replay = true;
    batches.clear();
    offsets.clear();
    cases.clear();
    progress = committed;
  }
  return handled;
}

/// After a failed commit: the store decides what was committed; the rest is applied again.
Result<void> Ingest::Impl::apply_again() {
  CASEBOX_CHECK(
      store.shard(0).commit(store.shard(0).begin()));  // opens anew what a failed write left
  CASEBOX_TRY(auto stored, store.shard(0).offsets());
  const std::map<std::string, uint64_t> next(stored.begin(), stored.end());
  replay = false;
  batch_bytes = 0;
  auto again = std::move(pending);
  pending.clear();
  for (size_t i = 0; i < again.size(); ++i) {
    auto it = next.find(again[i].source);
    if (it != next.end() && again[i].offset < it->second) continue;
    auto accepted = accept(std::move(again[i]));
    if (accepted) continue;
    pending.insert(pending.end(),
                   std::make_move_iterator(again.begin() + static_cast<ptrdiff_t>(i) + 1),
                   std::make_move_iterator(again.end()));
    return accepted;
  }
  return ok();
}

Result<std::unique_ptr<Ingest>> Ingest::open(bus::Subscriber& subscriber, storage::Store& store,
                                             Clock& clock, Options options) {
  auto self = std::unique_ptr<Ingest>(new Ingest);
  self->impl_.reset(new Impl{subscriber, store, clock, options});
  CASEBOX_TRY(auto stored, store.shard(0).offsets());
  std::vector<bus::Position> positions;
  for (auto& [source, next] : stored) positions.push_back({source, next});
  CASEBOX_CHECK(subscriber.resume(positions));
  return self;
}

Result<size_t> Ingest::run_once(Duration timeout) {
  auto& impl = *impl_;
  if (impl.replay) CASEBOX_CHECK(impl.commit());
  size_t handled = 0;
  while (true) {
    Duration wait = timeout;
    if (handled > 0) {
      const Duration limit =
          impl.media_only ? impl.options.media_commit_after : impl.options.commit_after;
      wait = limit - (impl.clock.mono() - impl.began);
      if (wait.ns <= 0 || impl.pending.size() >= impl.options.commit_frames ||
          impl.batch_bytes >= impl.options.commit_bytes)
        break;
    }
    auto polled = impl.subscriber.poll(wait);
    if (!polled && handled > 0) {
      CASEBOX_CHECK(impl.commit());
      return polled.error();
    }
    if (!polled) return polled.error();
    if (!*polled) break;
    if (handled++ == 0) impl.began = impl.clock.mono();
    CASEBOX_CHECK(impl.accept(std::move(**polled)));
  }
  CASEBOX_CHECK(impl.commit());
  return handled;
}

Result<void> Ingest::drain(Duration idle) {
  while (true) {
    CASEBOX_TRY(const size_t handled, run_once(idle));
    if (handled == 0) return ok();
  }
}

Result<void> Ingest::commit() { return impl_->commit(); }

std::vector<CaseId> Ingest::take_closed() { return std::exchange(impl_->closed, {}); }

}  // namespace casebox::ingest
