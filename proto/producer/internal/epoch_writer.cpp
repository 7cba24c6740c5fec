#include "proto/producer/internal/epoch_writer.h"

#include <algorithm>
#include <utility>

#include "proto/frame/beat.h"
#include "proto/frame/role.h"
#include "proto/producer/internal/valid_text.h"

namespace casebox::producer {
namespace {

uint32_t clamp_us(int64_t ns) {
  return static_cast<uint32_t>(std::clamp<int64_t>(ns / 1000, 0, UINT32_MAX));
}

}  // namespace

EpochWriter::EpochWriter(CaseId case_id, ProducerId producer, Epoch epoch, v1::ProducerRole role,
                         seal::SigningKey key, log::Writer& log, Clock& clock)
    : case_id_(case_id),
      producer_(producer),
      epoch_(epoch),
      role_(role),
      key_(std::move(key)),
      log_(log),
      clock_(clock) {}

EpochWriter::Chain& EpochWriter::chain(StreamId stream) {
  auto [at, added] = chains_.try_emplace(stream.value);
  if (added) at->second.head = frame::first_head(producer_, case_id_, stream, epoch_);
  return at->second;
}

frame::Header EpochWriter::complete(frame::Header header) {
  header.epoch = epoch_;
  header.first = ItemNumber{chain(header.stream).next};
  if (frame::is_derived(role_)) header.flags |= frame::flag::kDerived;
  return header;
}

Result<ItemNumber> EpochWriter::append(frame::Header header, BytesView body) {
  header = complete(header);
  Chain& chain = this->chain(header.stream);
  CASEBOX_TRY(const Bytes bytes, frame::encode(header, body));
  frame::View view;
  view.header = header;
  view.bytes = bytes;
  view.body = view.bytes.substr(frame::kHeaderSize);
  const Digest leaf = frame::leaf_hash(view);
  // A retry may come in the next key period: that one's key has sealed nothing of this number.
  if (chain.refused && header.has(frame::flag::kSealed) && chain.refused->period == header.period &&
      chain.refused->leaf != leaf)
    return Error{Code::kConflict, "stream " + std::to_string(header.stream.value) + " number " +
                                      std::to_string(header.first.value) +
                                      ": already sealed with another body; make a gap of it"};
  if (auto appended = log_.append(bytes, &leaf); !appended) {
    if (header.has(frame::flag::kSealed)) chain.refused = Refused{header.period, leaf};
    return std::move(appended).error();
  }
  chain.refused.reset();
  chain.head = frame::next_head(chain.head, leaf);
  chain.next = header.next();
  if (header.kind == frame::Kind::kGap) ++chain.gap_frames;
  return header.first;
}

frame::Header EpochWriter::control_header(frame::Kind kind, CaseTime t) const {
  frame::Header header;
  header.kind = kind;
  header.stream = kControlStream;
  header.t = t;
  header.t_capture = clock_.mono();
  return header;
}

Result<ItemNumber> EpochWriter::append_control(frame::Kind kind, CaseTime t,
                                               const google::protobuf::MessageLite& body) {
  CASEBOX_CHECK(check_text(body));
  return append(control_header(kind, t), body.SerializeAsString());
}

Result<ItemNumber> EpochWriter::append_gap(StreamId stream, const v1::Gap& gap) {
  if (gap.missing() > UINT32_MAX)
    return Error{Code::kInvalidArgument, "a gap of " + std::to_string(gap.missing()) +
                                             " items does not fit one frame; make several"};
  CASEBOX_CHECK(check_text(gap));
  frame::Header header;
  header.kind = frame::Kind::kGap;
  header.stream = stream;
  header.count = gap.count_unknown() ? 1 : std::max(1u, static_cast<uint32_t>(gap.missing()));
  header.t = CaseTime{gap.t_begin_ns()};
  header.t_capture = clock_.mono();
  header.duration_us = clamp_us(gap.t_end_ns() - gap.t_begin_ns());
  return append(header, gap.SerializeAsString());
}

v1::StreamPosition EpochWriter::position(uint32_t stream, const Chain& chain) const {
  v1::StreamPosition position;
  position.set_stream_id(stream);
  position.set_next_number(chain.next);
  position.set_head(Bytes(view(chain.head)));
  position.set_gap_frames(chain.gap_frames);
  return position;
}

Result<void> EpochWriter::beat(CaseTime t) {
  chain(kControlStream);
  v1::Beat beat;
  beat.set_t_ns(t.ns);
  beat.set_form(2);
  for (const auto& [stream, chain] : chains_) *beat.add_positions() = position(stream, chain);
  const frame::Header header = complete(control_header(frame::Kind::kBeat, t));
  const auto signature = key_.sign(frame::beat_message(case_id_, producer_, header, beat));
  beat.set_signature(signature.data(), signature.size());
  CASEBOX_CHECK(append(header, beat.SerializeAsString()));
  return ok();
}

Result<void> EpochWriter::close(CaseTime t, v1::CloseFrame::Reason reason,
                                v1::CloseFrame::Cause cause) {
  v1::CaseControl control;
  v1::CloseFrame& close = *control.mutable_close();
  close.set_reason(reason);
  close.set_cause(cause);
  close.set_end_t_ns(t.ns);
  for (const auto& [stream, chain] : chains_)
    if (stream != kControlStream.value) *close.add_positions() = position(stream, chain);
  CASEBOX_CHECK(append_control(frame::Kind::kCase, t, control));
  CASEBOX_CHECK(beat(t));
  return log_.end_case();
}

}  // namespace casebox::producer
