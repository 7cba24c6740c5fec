#include "ingest/ingest.h"

#include <set>
#include <utility>

#include "ingest/internal/intake.h"
#include "proto/seal/seal.h"

namespace casebox::ingest {

struct Ingest::Impl {
  Impl(bus::Subscriber& from, storage::Store& to, trust::TrustList list, Clock& c, Options o)
      : subscriber(from),
        store(to),
        clock(c),
        options(o),
        trust(std::move(list)),
        intake(to, trust, c) {}

  bus::Subscriber& subscriber;
  storage::Store& store;
  Clock& clock;
  Options options;
  trust::TrustList trust;
  Intake intake;
  std::map<std::string, uint64_t> offsets;  // of the batch
  std::vector<bus::Delivery> pending;       // of the batch: applied again if the commit fails
  bool replay = false;
  size_t batch_bytes = 0;
  MonoTime began;

  Result<void> commit();
  std::map<std::string, storage::SourceMark> marks() const;
  Result<void> accept(bus::Delivery delivery);
  Result<void> apply_again();
  void fail() {
    replay = true;
    offsets.clear();
    intake.reset();
  }
};

Ingest::Ingest() = default;
Ingest::~Ingest() = default;
const Progress& Ingest::progress() const { return impl_->intake.progress; }

Result<void> Ingest::Impl::commit() {
  if (replay) CASEBOX_CHECK(apply_again());
  const auto all = [&]() -> Result<void> {
    CASEBOX_CHECK(intake.write(offsets, marks()));
    offsets.clear();
    pending.clear();
    batch_bytes = 0;
    intake.committed = intake.progress;
    CASEBOX_CHECK(intake.settle());
    intake.committed = intake.progress;
    return ok();
  };
  auto done = all();
  if (!done) fail();
  return done;
}

/// Of the sources of the batch. Offsets count bytes in a log, where what was no frame makes none,
/// and records in a topic.
std::map<std::string, storage::SourceMark> Ingest::Impl::marks() const {
  std::map<std::string, storage::SourceMark> out;
  std::set<std::string> seen;
  for (auto it = pending.rbegin(); it != pending.rend() && seen.size() < offsets.size(); ++it) {
    if (offsets.count(it->source) == 0 || !seen.insert(it->source).second) continue;
    const BytesView frame = it->message.frame;
    if (it->next_offset == it->offset + frame.size() || it->next_offset == it->offset + 1)
      out[it->source] = {it->offset, it->next_offset, seal::sha256(frame)};
  }
  return out;
}

Result<void> Ingest::Impl::accept(bus::Delivery delivery) {
  Item item;
  item.case_id = delivery.message.case_id;
  item.partition = delivery.message.partition;
  item.bytes = delivery.message.frame;
  item.source = delivery.source;
  item.offset = delivery.offset;
  auto handled = intake.take(std::move(item));
  batch_bytes += delivery.message.frame.size();
  if (handled) offsets[delivery.source] = delivery.next_offset;
  pending.push_back(std::move(delivery));
  if (handled) return ok();
  fail();
  return handled.error();
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
                                             const trust::TrustList& trust, Clock& clock,
                                             Options options) {
  auto self = std::unique_ptr<Ingest>(new Ingest);
  self->impl_ = std::make_unique<Impl>(subscriber, store, trust, clock, options);
  CASEBOX_TRY(auto stored, store.shard(0).offsets());
  CASEBOX_TRY(const auto marks, store.shard(0).marks());
  std::vector<bus::Position> positions;
  for (auto& [source, next] : stored) {
    positions.push_back({source, next});
    if (const auto mark = marks.find(source); mark != marks.end())
      positions.back().mark = {mark->second.offset, mark->second.message};
  }
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
          impl.intake.media_only() ? impl.options.media_commit_after : impl.options.commit_after;
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

Result<RequeueReport> Ingest::requeue(const RequeueOptions& what) {
  CASEBOX_CHECK(impl_->commit());
  RequeueReport report;
  auto done = impl_->intake.requeue(what, report);
  if (!done) impl_->fail();
  if (!done) return done.error();
  CASEBOX_CHECK(impl_->commit());
  return report;
}

Result<RequeueReport> Ingest::enrol(trust::TrustList trust) {
  CASEBOX_CHECK(impl_->commit());  // what came before goes by the list before
  impl_->trust = std::move(trust);
  RequeueOptions what;
  what.refused = true;
  return requeue(what);
}

std::vector<CaseId> Ingest::take_closed() { return std::exchange(impl_->intake.closed, {}); }

std::vector<CaseId> Ingest::touched() const {
  return {impl_->intake.touched.begin(), impl_->intake.touched.end()};
}

}  // namespace casebox::ingest
