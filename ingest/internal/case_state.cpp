#include "ingest/internal/case_state.h"

#include <algorithm>

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

v1::EpochRecord& CaseState::epoch(Epoch epoch, ProducerId producer) {
  for (auto& known : *record_.mutable_epochs())
    if (known.epoch() == epoch.value) return known;
  auto& fresh = *record_.add_epochs();
  fresh.set_epoch(epoch.value);
  fresh.set_index(static_cast<uint32_t>(record_.epochs_size() - 1));
  fresh.set_producer_id(Bytes(producer.view()));
  dirty = true;
  return fresh;
}

Result<StreamState*> CaseState::stream(const v1::EpochRecord& epoch, StreamId id) {
  auto [it, fresh] = streams_.try_emplace({epoch.epoch(), id.value});
  if (!fresh) return &it->second;
  StreamState& state = it->second;
  if (id == kControlStream) {
    for (auto& e : *record_.mutable_epochs())
      if (e.epoch() == epoch.epoch()) state.record = e.mutable_control();
  } else {
    for (auto& s : *record_.mutable_streams())
      if (s.epoch() == epoch.epoch() && s.stream().stream_id() == id.value) state.record = &s;
    if (state.record == nullptr) state.record = record_.add_streams();
  }
  auto& r = *state.record;
  r.set_epoch(epoch.epoch());
  r.mutable_stream()->set_stream_id(id.value);
  auto end = shard_->end_number(id_, epoch.index(), id);
  auto producer = id_from_bytes<ProducerId>(epoch.producer_id());
  if (!end || !producer) {
    streams_.erase(it);
    return end ? producer.error() : end.error();
  }
  state.end = *end;
  if (r.head().empty())
    r.set_head(Bytes(view(frame::first_head(*producer, id_, id, Epoch{epoch.epoch()}))));
  return &state;
}

Result<void> CaseState::check(const frame::View& frame, CaseId id) {
  auto parses = [&](google::protobuf::MessageLite& message) -> Result<void> {
    if (message.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) return ok();
    return Error{Code::kCorrupt, std::string("body of a ") + frame::to_string(frame.header.kind) +
                                     " frame does not parse"};
  };
  const bool control_kind = frame.header.kind >= frame::Kind::kCase;
  if (control_kind != (frame.header.stream == kControlStream))
    return Error{Code::kCorrupt, "kind of frame does not belong on this stream"};
  switch (frame.header.kind) {
    case frame::Kind::kGap: {
      v1::Gap gap;
      return parses(gap);
    }
    case frame::Kind::kCase: {
      v1::CaseControl control;
      CASEBOX_CHECK(parses(control));
      if (control.has_open() && control.open().case_id() != id.view())
        return Error{Code::kCorrupt, "case frame names another case than the message"};
      return ok();
    }
    case frame::Kind::kStream: {
      v1::Stream stream;
      CASEBOX_CHECK(parses(stream));
      if (stream.stream_id() == 0) return Error{Code::kCorrupt, "stream frame names no stream"};
      return ok();
    }
    default: return ok();
  }
}

void CaseState::apply(const frame::View& frame, v1::EpochRecord& epoch, StreamState& stream,
                      const Digest& leaf) {
  const auto& h = frame.header;
  auto& r = *stream.record;
  dirty = true;
  if (h.first.value == r.next_number()) {
    if (auto head = to_digest(r.head())) r.set_head(Bytes(view(frame::next_head(*head, leaf))));
    r.set_next_number(h.next());
  }
  stream.end = std::max(stream.end, h.next());
  v1::Gap gap;
  const bool is_gap = h.kind == frame::Kind::kGap &&
                      gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
  storage::count_frame(record_, r, h, is_gap ? &gap : nullptr);
  if (h.stream != kControlStream) return;
  const bool had_close = epoch.has_close();
  apply_control(frame, epoch);
  if (!had_close && epoch.has_close()) close_leaves_[epoch.epoch()] = leaf;
}

void CaseState::apply_control(const frame::View& frame, v1::EpochRecord& epoch) {
  const int size = static_cast<int>(frame.body.size());
  if (frame.header.kind == frame::Kind::kStream) {
    v1::Stream entry;
    if (!entry.ParseFromArray(frame.body.data(), size)) return;
    auto state = stream(epoch, StreamId{entry.stream_id()});
    if (!state) return;
    *(*state)->record->mutable_stream() = std::move(entry);
    return;
  }
  if (frame.header.kind != frame::Kind::kCase) return;
  v1::CaseControl control;
  if (!control.ParseFromArray(frame.body.data(), size)) return;
  if (control.has_close()) {
    *epoch.mutable_close() = control.close();
    return;
  }
  if (!control.has_open()) return;
  storage::take_opening(record_, epoch, control.open());
}

Result<void> CaseState::follow_chains() {
  for (auto& [key, state] : streams_) {
    auto& r = *state.record;
    if (r.next_number() >= state.end) continue;
    const v1::EpochRecord* epoch = nullptr;
    for (const auto& e : record_.epochs())
      if (e.epoch() == key.first) epoch = &e;
    if (epoch == nullptr) continue;
    CASEBOX_CHECK(shard_->for_each_leaf(id_, epoch->index(), StreamId{key.second},
                                        ItemNumber{r.next_number()},
                                        [&](ItemNumber first, uint32_t count, const Digest& leaf) {
                                          if (first.value != r.next_number()) return false;
                                          if (auto head = to_digest(r.head()))
                                            r.set_head(Bytes(view(frame::next_head(*head, leaf))));
                                          r.set_next_number(first.value + count);
                                          dirty = true;
                                          return true;
                                        }));
  }
  return ok();
}

/// Of a close frame that is stored; zeros if it cannot be read.
Digest CaseState::close_leaf(Epoch epoch) const {
  const auto known = close_leaves_.find(epoch.value);
  if (known != close_leaves_.end()) return known->second;
  Digest leaf{};
  (void)shard_->for_each_control(
      id_, epoch, frame::Kind::kCase, [&](const frame::View& frame) -> Result<void> {
        v1::CaseControl control;
        if (control.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size())) &&
            control.has_close())
          leaf = frame::leaf_hash(frame);
        return ok();
      });
  return leaf;
}

void CaseState::update_state() {
  const v1::CaseState before = record_.state();
  std::vector<bool> closed;
  for (const auto& epoch : record_.epochs()) closed.push_back(epoch.closed());
  storage::settle(record_);
  dirty = dirty || record_.state() != before;
  for (int i = 0; i < record_.epochs_size(); ++i) {
    const auto& epoch = record_.epochs(i);
    if (epoch.closed() == closed[static_cast<size_t>(i)]) continue;
    dirty = true;
    covered_.push_back({Epoch{epoch.epoch()}, epoch.role(), close_leaf(Epoch{epoch.epoch()})});
  }
  just_closed =
      just_closed || (record_.state() == v1::CASE_STATE_CLOSED && before != v1::CASE_STATE_CLOSED);
}

}  // namespace casebox::ingest
