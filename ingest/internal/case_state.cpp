#include "ingest/internal/case_state.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ingest/internal/check.h"
#include "proto/frame/role.h"
#include "storage/case_record.h"

namespace casebox::ingest {

storage::Table table_of(v1::StreamKind kind) {
  switch (kind) {
    case v1::STREAM_KIND_WAVE:
    case v1::STREAM_KIND_NUMERIC:
    case v1::STREAM_KIND_TWIN_SERIES: return storage::Table::kWave;
    case v1::STREAM_KIND_VIDEO:
    case v1::STREAM_KIND_AUDIO: return storage::Table::kMedia;
    default: return storage::Table::kEvent;
  }
}

bool StreamState::overlaps(uint64_t first, uint64_t next) const {
  if (first < chain.next) return true;
  auto it = islands.lower_bound(next);
  return it != islands.begin() && std::prev(it)->second > first;
}

bool StreamState::makes_island(uint64_t first, uint64_t next) const {
  if (first <= chain.next || islands.count(next) != 0) return false;
  auto it = islands.upper_bound(first);
  return it == islands.begin() || std::prev(it)->second != first;
}

void StreamState::add_island(uint64_t first, uint64_t next) {
  auto it = islands.upper_bound(first);
  if (it != islands.begin() && std::prev(it)->second == first) {
    --it;
    it->second = next;
  } else {
    it = islands.emplace(first, next).first;
  }
  const auto behind = islands.find(it->second);
  if (behind == islands.end()) return;
  it->second = behind->second;
  islands.erase(behind);
}

void StreamState::set_chain(const Position& to) {
  chain = to;
  record->set_next_number(to.next);
  record->set_head(Bytes(view(to.head)));
}

StreamState* EpochState::find(StreamId stream) {
  if (stream == kControlStream) return &control;
  auto it = streams.find(stream.value);
  return it == streams.end() ? nullptr : &it->second;
}

uint64_t EpochState::limit(StreamId stream) const {
  if (!ended) return UINT64_MAX;
  auto it = limits.find(stream.value);
  return it == limits.end() ? 0 : it->second;
}

Result<std::unique_ptr<CaseState>> CaseState::load(CaseId id, v1::CaseRecord record,
                                                   storage::Shard& shard) {
  auto state = std::unique_ptr<CaseState>(new CaseState(id, std::move(record), &shard));
  for (auto& epoch : *state->record_.mutable_epochs()) {
    EpochState* adopted = state->adopt(epoch);
    if (adopted != nullptr) CASEBOX_CHECK(state->load_end(*adopted));
  }
  for (auto& stream : *state->record_.mutable_streams()) {
    EpochState* epoch = state->find(Epoch{stream.epoch()});
    if (epoch == nullptr || stream.stream().stream_id() == 0) continue;
    StreamState& known = epoch->streams[stream.stream().stream_id()];
    known.id = StreamId{stream.stream().stream_id()};
    known.record = &stream;
  }
  storage::QuarantineQuery query;
  query.waiting = true;
  query.case_id = id;
  query.max_rows = 1;
  CASEBOX_TRY(const auto page, shard.quarantine(query));
  state->waiting = !page.items.empty();
  return state;
}

/// An epoch of the record; null for one that nobody opened, which older programs let in.
EpochState* CaseState::adopt(v1::EpochRecord& record) {
  auto producer = id_from_bytes<ProducerId>(record.producer_id());
  if (!producer || record.signing_key().size() != 32 || !frame::is_known(record.role()))
    return nullptr;
  EpochState& epoch = epochs_[record.epoch()];
  epoch.id = Epoch{record.epoch()};
  epoch.producer = *producer;
  epoch.record = &record;
  epoch.derived = frame::is_derived(record.role());
  epoch.control.id = kControlStream;
  epoch.control.record = record.mutable_control();
  record.mutable_control()->set_epoch(record.epoch());
  record.mutable_control()->mutable_stream()->set_stream_id(0);
  return &epoch;
}

/// What the last control frame says of the epoch's end.
Result<void> CaseState::load_end(EpochState& epoch) {
  const uint64_t next = epoch.record->control().next_number();
  if (next == 0) return ok();
  if (epoch.record->closed()) {
    epoch.ended = true;
  } else {
    for (uint64_t number = next; number-- > 0 && number + 2 >= next && !epoch.close_number;) {
      auto last = shard_->find_frame(id_, epoch.record->index(), storage::Table::kEvent,
                                     kControlStream, ItemNumber{number});
      if (!last && last.error().code != Code::kCorrupt) return last.error();
      if (!last || !*last) break;
      const auto frame = (*last)->view();
      if (auto close = close_of(frame)) {
        epoch.close_number = number;
        epoch.close = std::move(*close);
        epoch.close_leaf = frame::leaf_hash(frame);
      } else if (frame.header.kind != frame::Kind::kBeat) {
        break;
      } else if (epoch.record->has_close()) {
        epoch.ended = true;
      }
    }
    if (epoch.close_number) add_work(epoch, epoch.control);
  }
  if (!epoch.ended) return ok();
  epoch.limits[0] = next;
  for (const auto& position : epoch.record->close().positions())
    if (position.stream_id() != 0) epoch.limits[position.stream_id()] = position.next_number();
  return ok();
}

EpochState* CaseState::find(Epoch epoch) {
  auto it = epochs_.find(epoch.value);
  return it == epochs_.end() ? nullptr : &it->second;
}

EpochState& CaseState::add(Epoch epoch, const v1::CaseFrame& open) {
  auto& added = *record_.add_epochs();
  added.set_epoch(epoch.value);
  added.set_index(static_cast<uint32_t>(record_.epochs_size() - 1));
  storage::take_opening(record_, added, open);
  dirty = true;
  return *adopt(added);
}

Result<void> CaseState::ensure(EpochState& epoch, StreamState& stream) {
  if (stream.loaded) return ok();
  stream.confirmed = {0, frame::first_head(epoch.producer, id_, stream.id, epoch.id)};
  const auto head = to_digest(stream.record->head());
  if (!head || stream.record->next_number() == 0) {
    stream.set_chain(stream.confirmed);
  } else {
    stream.chain = {stream.record->next_number(), *head};
    if (epoch.record->closed()) stream.confirmed = stream.chain;
  }
  // Of an ended epoch no beat comes any more: where its frames are not those that were signed, the
  // true ones are known by what the close frame says.
  if (epoch.ended && !epoch.record->closed())
    for (const auto& position : epoch.record->close().positions()) {
      const auto signed_head = to_digest(position.head());
      if (position.stream_id() == 0 || position.stream_id() != stream.id.value || !signed_head)
        continue;
      const Position end{position.next_number(), *signed_head};
      if (end.next > stream.confirmed.next) stream.signed_ahead.push_back(end);
    }
  stream.loaded = true;
  return follow(epoch, stream);
}

Result<void> CaseState::follow(EpochState& epoch, StreamState& stream) {
  const Position before = stream.chain;
  Position at = before;
  stream.islands.clear();
  CASEBOX_CHECK(
      shard_->for_each_leaf(id_, epoch.record->index(), stream.id, ItemNumber{at.next},
                            [&](ItemNumber first, uint32_t count, const Digest& leaf) {
                              if (first.value == at.next) {
                                at = {first.value + count, frame::next_head(at.head, leaf)};
                              } else if (first.value > at.next) {
                                stream.add_island(first.value, first.value + count);
                              }
                              return true;
                            }));
  if (at == before) return ok();
  stream.set_chain(at);
  dirty = true;
  return ok();
}

Result<void> CaseState::follow_anew(EpochState& epoch, StreamState& stream) {
  stream.set_chain(stream.confirmed);
  dirty = true;
  return follow(epoch, stream);
}

void CaseState::count(const frame::View& frame, StreamState& stream,
                      const storage::Placed& placed) {
  const auto& h = frame.header;
  auto& r = *stream.record;
  dirty = true;
  if (stream.fresh.empty()) fresh.push_back(&stream);
  stream.fresh.push_back(placed);
  if (h.first.value == stream.chain.next) {
    stream.set_chain({h.next(), frame::next_head(stream.chain.head, placed.leaf)});
  } else {
    stream.add_island(h.first.value, h.next());
  }
  v1::Gap gap;
  const bool is_gap = h.kind == frame::Kind::kGap &&
                      gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
  storage::count_frame(record_, r, h, is_gap ? &gap : nullptr);
  storage::take_consent(record_, frame);
}

void CaseState::uncount(const frame::View& frame, StreamState& stream) {
  const auto& h = frame.header;
  auto& r = *stream.record;
  dirty = true;
  r.set_frames(r.frames() - 1);
  r.set_bytes(r.bytes() - frame.bytes.size());
  record_.set_frames(record_.frames() - 1);
  if (h.kind == frame::Kind::kGap) {
    v1::Gap gap;
    (void)gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    r.set_gap_frames(r.gap_frames() - 1);
    if (gap.count_unknown()) {
      r.set_unknown_gaps(r.unknown_gaps() - 1);
    } else {
      r.set_missing(r.missing() - gap.missing());
    }
  } else if (h.stream != kControlStream) {
    r.set_items(r.items() - h.count);
  }
  consent_lost = consent_lost || h.kind == frame::Kind::kConsent;
  times_lost = times_lost || h.t.ns <= r.first_t_ns() || h.end().ns >= r.last_t_ns() ||
               h.t.ns <= record_.first_t_ns() || h.end().ns >= record_.last_t_ns();
}

Result<void> CaseState::read_anew() {
  if (std::exchange(consent_lost, false)) CASEBOX_CHECK(read_consent_anew());
  if (std::exchange(times_lost, false)) CASEBOX_CHECK(read_times_anew());
  return ok();
}

/// From all that is left: a frame that was thrown out may have been the first or the last.
Result<void> CaseState::read_times_anew() {
  dirty = true;
  std::map<std::pair<uint32_t, uint32_t>, v1::StreamRecord*> rows;
  for (const auto& [number, epoch] : epochs_) {
    rows[{epoch.record->index(), 0}] = epoch.record->mutable_control();
    for (const auto& [id, stream] : epoch.streams)
      rows[{epoch.record->index(), id}] = stream.record;
  }
  std::set<v1::StreamRecord*> begun;
  for (const auto& [place, row] : rows) {
    row->clear_first_t_ns();
    row->clear_last_t_ns();
  }
  record_.clear_first_t_ns();
  record_.clear_last_t_ns();
  bool any = false;
  return shard_->for_each_proof(id_, nullptr, [&](const storage::Proof& proof) -> Result<void> {
    const auto at = rows.find({proof.epoch_index, proof.stream.value});
    if (at == rows.end()) return ok();
    frame::Header h;
    if (proof.stream == kControlStream) {
      const auto frame = frame::parse(proof.control);
      if (!frame) return ok();
      h = frame->header;
    } else {
      const auto header = shard_->load_header(id_, proof);
      if (!header) return ok();  // its row is damaged, which verification says
      h = *header;
    }
    v1::StreamRecord& row = *at->second;
    const bool begins = begun.insert(&row).second;
    if (begins || h.t.ns < row.first_t_ns()) row.set_first_t_ns(h.t.ns);
    if (begins || h.end().ns > row.last_t_ns()) row.set_last_t_ns(h.end().ns);
    if (h.has(frame::flag::kDerived) || h.kind != frame::Kind::kData) return ok();
    if (!any || h.t.ns < record_.first_t_ns()) record_.set_first_t_ns(h.t.ns);
    if (!any || h.end().ns > record_.last_t_ns()) record_.set_last_t_ns(h.end().ns);
    any = true;
    return ok();
  });
}

Result<void> CaseState::read_consent_anew() {
  record_.clear_consent();
  dirty = true;
  for (const auto& [number, epoch] : epochs_)
    CASEBOX_CHECK(shard_->for_each_frame(id_, epoch.id, kControlStream,
                                         [&](const storage::StoredFrame& stored) {
                                           storage::take_consent(record_, stored.view());
                                           return ok();
                                         }));
  return ok();
}

bool CaseState::name_stream(EpochState& epoch, v1::Stream entry) {
  const StreamId id{entry.stream_id()};
  StreamState* known = epoch.find(id);
  if (known != nullptr && table_of(known->record->stream().kind()) != table_of(entry.kind()))
    return false;
  if (known == nullptr) {
    StreamState& added = epoch.streams[id.value];
    added.id = id;
    added.record = record_.add_streams();
    added.record->set_epoch(epoch.id.value);
    added.confirmed = {0, frame::first_head(epoch.producer, id_, id, epoch.id)};
    added.set_chain(added.confirmed);
    added.loaded = true;
    known = &added;
  }
  *known->record->mutable_stream() = std::move(entry);
  dirty = true;
  return true;
}

void CaseState::forget_stream(EpochState& epoch, StreamId stream) {
  StreamState* known = epoch.find(stream);
  if (known == nullptr || stream == kControlStream) return;
  std::erase_if(work, [&](const auto& item) { return item.second == known; });
  std::erase(fresh, known);
  for (int i = 0; i < record_.streams_size(); ++i) {
    if (record_.mutable_streams(i) != known->record) continue;
    record_.mutable_streams()->DeleteSubrange(i, 1);
    break;
  }
  epoch.streams.erase(stream.value);
  dirty = true;
}

void CaseState::add_work(EpochState& epoch, StreamState& stream) {
  if (stream.working) return;
  stream.working = true;
  work.emplace_back(&epoch, &stream);
}

/// Whether the chains stand where the close frame says, heads included.
bool CaseState::meets_close(const v1::EpochRecord& epoch) const {
  for (const auto& position : epoch.close().positions()) {
    if (position.stream_id() == 0 || position.next_number() == 0) continue;
    bool met = false;
    for (const auto& s : record_.streams())
      if (s.epoch() == epoch.epoch() && s.stream().stream_id() == position.stream_id())
        met = s.next_number() == position.next_number() &&
              (position.head().empty() || s.head() == position.head());
    if (!met) return false;
  }
  return true;
}

void CaseState::update_state() {
  const v1::CaseState before = record_.state();
  std::vector<int> open;
  std::vector<std::unique_ptr<v1::CloseFrame>> unmet(static_cast<size_t>(record_.epochs_size()));
  for (int i = 0; i < record_.epochs_size(); ++i) {
    v1::EpochRecord& epoch = *record_.mutable_epochs(i);
    if (epoch.closed()) continue;
    open.push_back(i);
    if (epoch.has_close() && !meets_close(epoch))
      unmet[static_cast<size_t>(i)].reset(epoch.release_close());
  }
  storage::settle(record_);
  for (int i : open) {
    v1::EpochRecord& epoch = *record_.mutable_epochs(i);
    if (auto& close = unmet[static_cast<size_t>(i)]) epoch.set_allocated_close(close.release());
    if (!epoch.closed()) continue;
    dirty = true;
    const EpochState* known = find(Epoch{epoch.epoch()});
    covered.push_back({Epoch{epoch.epoch()}, epoch.role(), known ? known->close_leaf : Digest{}});
  }
  dirty = dirty || record_.state() != before;
  just_closed =
      just_closed || (record_.state() == v1::CASE_STATE_CLOSED && before != v1::CASE_STATE_CLOSED);
}

}  // namespace casebox::ingest
