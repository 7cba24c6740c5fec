#include "ingest/internal/case_state.h"

#include <algorithm>

#include "proto/frame/role.h"

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
  if (r.frames() == 0 || h.t.ns < r.first_t_ns()) r.set_first_t_ns(h.t.ns);
  if (r.frames() == 0 || h.end().ns > r.last_t_ns()) r.set_last_t_ns(h.end().ns);
  r.set_frames(r.frames() + 1);
  r.set_bytes(r.bytes() + frame.bytes.size());
  record_.set_frames(record_.frames() + 1);
  if (h.kind == frame::Kind::kGap) {
    v1::Gap gap;
    (void)gap.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    r.set_gap_frames(r.gap_frames() + 1);
    if (gap.count_unknown()) {
      r.set_unknown_gaps(r.unknown_gaps() + 1);
    } else {
      r.set_missing(r.missing() + gap.missing());
    }
  } else if (h.stream != kControlStream) {
    r.set_items(r.items() + h.count);
  }
  // What is derived never moves the case's own times.
  if (!h.has(frame::flag::kDerived) && h.stream != kControlStream && h.kind == frame::Kind::kData) {
    const bool none = record_.first_t_ns() == 0 && record_.last_t_ns() == 0;
    if (none || h.t.ns < record_.first_t_ns()) record_.set_first_t_ns(h.t.ns);
    if (none || h.end().ns > record_.last_t_ns()) record_.set_last_t_ns(h.end().ns);
  }
  if (h.stream == kControlStream) apply_control(frame, epoch);
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
  const auto& open = control.open();
  epoch.set_role(open.role());
  epoch.set_producer_id(open.producer_id());
  epoch.set_signing_key(open.signing_key());
  epoch.set_sealed_epoch_key(open.sealed_epoch_key());
  if (record_.case_public_key().empty()) record_.set_case_public_key(open.case_public_key());
  if (frame::owns_case(open.role()) && record_.start_utc_ns() == 0) {
    record_.set_procedure(open.procedure());
    record_.set_room(open.room());
    record_.set_partition(open.partition());
    record_.set_start_utc_ns(open.start_utc_ns());
    record_.set_start_utc_u95_ns(open.start_utc_u95_ns());
    record_.set_case_public_key(open.case_public_key());
    record_.set_source_digest(open.source_digest());
    record_.set_kind(open.kind());
  }
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

void CaseState::update_state() {
  bool recorder = false;
  bool all = true;
  bool ended = false;
  for (auto& epoch : *record_.mutable_epochs()) {
    if (epoch.has_close() && !epoch.closed()) {
      bool reached = true;
      for (const auto& position : epoch.close().positions()) {
        uint64_t next = position.stream_id() == 0 ? epoch.control().next_number() : 0;
        for (const auto& s : record_.streams())
          if (position.stream_id() != 0 && s.epoch() == epoch.epoch() &&
              s.stream().stream_id() == position.stream_id())
            next = s.next_number();
        reached = reached && next >= position.next_number();
      }
      epoch.set_closed(reached);
      dirty = dirty || reached;
    }
    if (!frame::owns_case(epoch.role())) continue;
    recorder = true;
    all = all && epoch.closed();
    ended =
        ended || (epoch.closed() && epoch.close().reason() == v1::CloseFrame::REASON_CASE_ENDED);
  }
  const auto state = !recorder || !all ? v1::CASE_STATE_OPEN
                     : ended           ? v1::CASE_STATE_CLOSED
                                       : v1::CASE_STATE_UNCLOSED;
  dirty = dirty || state != record_.state();
  just_closed =
      just_closed || (state == v1::CASE_STATE_CLOSED && record_.state() != v1::CASE_STATE_CLOSED);
  record_.set_state(state);
}

}  // namespace casebox::ingest
