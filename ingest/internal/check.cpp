#include "ingest/internal/check.h"

#include <set>

#include "casebox/v1/stream.pb.h"
#include "ingest/ingest.h"
#include "proto/frame/beat.h"
#include "proto/seal/seal.h"

namespace casebox::ingest {
namespace {

bool in_range(int64_t ns) { return ns >= -kMaxTime.ns && ns <= kMaxTime.ns; }

template <typename Message>
bool parses(const frame::View& frame, Message& message) {
  return message.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
}

std::optional<Refusal> bad_body(const frame::View& frame) {
  return Refusal{reason::kBadBody,
                 std::string("body of a ") + frame::to_string(frame.header.kind) + " frame"};
}

/// A gap takes as many numbers as items are missing, or one: of a loss before numbering it says the
/// count, or that nobody knows it.
std::optional<Refusal> check_gap(const frame::View& frame) {
  v1::Gap gap;
  if (!parses(frame, gap)) return bad_body(frame);
  const uint32_t takes = frame.header.count;
  if (gap.count_unknown() ? takes != 1 || gap.missing() != 0 : takes != 1 && takes != gap.missing())
    return Refusal{reason::kBadGap, "its count is not what it takes"};
  if (gap.missing() > kMaxNumber) return Refusal{reason::kBadGap, "more than a stream can hold"};
  if (!in_range(gap.t_begin_ns()) || !in_range(gap.t_end_ns()))
    return Refusal{reason::kTimeRange, "of a gap"};
  return std::nullopt;
}

std::optional<Refusal> check_beat(const frame::View& frame) {
  v1::Beat beat;
  if (!parses(frame, beat)) return bad_body(frame);
  if (static_cast<size_t>(beat.positions_size()) > kMaxStreams + 1)
    return Refusal{reason::kBadBeat, "more streams than an epoch can have"};
  std::set<uint32_t> seen;
  for (const auto& position : beat.positions())
    if (position.head().size() != 32 || !seen.insert(position.stream_id()).second ||
        position.next_number() > kMaxNumber)
      return Refusal{reason::kBadBeat, "a position that cannot be"};
  const v1::StreamPosition* own = control_position(beat);
  if (own == nullptr || own->next_number() != frame.header.first.value)
    return Refusal{reason::kBadBeat, "it does not sign the numbers before its own"};
  return std::nullopt;
}

std::optional<Refusal> check_control(const frame::View& frame, CaseId id) {
  switch (frame.header.kind) {
    case frame::Kind::kCase: {
      v1::CaseControl control;
      if (!parses(frame, control)) return bad_body(frame);
      if (control.has_close()) return std::nullopt;
      if (!control.has_open()) return bad_body(frame);
      if (control.open().case_id() != id.view()) return Refusal{reason::kWrongCase, ""};
      if (frame.header.first.value != 0 || control.open().producer_id().size() != 16)
        return Refusal{reason::kWrongOpening, ""};
      return std::nullopt;
    }
    case frame::Kind::kStream: {
      v1::Stream stream;
      if (!parses(frame, stream) || stream.stream_id() == 0) return bad_body(frame);
      return std::nullopt;
    }
    case frame::Kind::kBeat: return check_beat(frame);
    case frame::Kind::kConsent: {
      v1::Consent consent;
      if (!parses(frame, consent)) return bad_body(frame);
      return std::nullopt;
    }
    default: return std::nullopt;
  }
}

}  // namespace

const std::vector<std::string>& quarantine_reasons() {
  using namespace reason;
  static const std::vector<std::string> all = {
      kAwaitingEpoch, kAwaitingCase,       kAwaitingStream,     kEquivocation,    kNotAFrame,
      kNoCase,        kWrongCase,          kWrongPartition,     kBadBody,         kBadGap,
      kBadBeat,       kBadSignature,       kPlainData,          kWrongFlag,       kWrongOpening,
      kNumberRange,   kTimeRange,          kTooManyEpochs,      kTooManyStreams,  kTooManyHoles,
      kStreamChanged, kCaseEnded,          kNotSigned,          kAfterEnd,        kCaseDamaged,
      "not-enrolled", "role-not-enrolled", "room-not-enrolled", "enrolment-over", "unknown-role",
      "refused",      "damaged-row"};
  return all;
}

bool waits(const std::string& code) {
  return code.starts_with("awaiting-") || code == reason::kEquivocation;
}

bool is_refusal(const std::string& code) {
  return code == "not-enrolled" || code == "role-not-enrolled" || code == "room-not-enrolled" ||
         code == "enrolment-over" || code == "unknown-role";
}

std::optional<Refusal> check(const frame::View& frame, CaseId id) {
  const frame::Header& h = frame.header;
  const bool control = h.kind >= frame::Kind::kCase;
  if (control != (h.stream == kControlStream))
    return Refusal{reason::kNotAFrame, "kind of frame does not belong on this stream"};
  if (h.first.value > kMaxNumber || h.next() > kMaxNumber) return Refusal{reason::kNumberRange, ""};
  if (control && h.count != 1) return Refusal{reason::kNumberRange, "a control frame takes one"};
  const bool later = h.has(frame::flag::kDerived) && h.t.ns > 0 && h.t.ns <= kMaxLater.ns;
  if (!in_range(h.t.ns) && !later) return Refusal{reason::kTimeRange, ""};
  if (control) return check_control(frame, id);
  if (h.kind == frame::Kind::kGap) return check_gap(frame);
  if (!h.has(frame::flag::kSealed)) return Refusal{reason::kPlainData, ""};
  return std::nullopt;
}

std::optional<v1::CaseFrame> opening_of(const frame::View& frame) {
  v1::CaseControl control;
  if (frame.header.kind != frame::Kind::kCase || frame.header.first.value != 0 ||
      !parses(frame, control) || !control.has_open())
    return std::nullopt;
  return std::move(*control.mutable_open());
}

std::optional<v1::CloseFrame> close_of(const frame::View& frame) {
  v1::CaseControl control;
  if (frame.header.kind != frame::Kind::kCase || !parses(frame, control) || !control.has_close())
    return std::nullopt;
  return std::move(*control.mutable_close());
}

std::optional<v1::Beat> beat_of(const frame::View& frame) {
  v1::Beat beat;
  if (frame.header.kind != frame::Kind::kBeat || !parses(frame, beat)) return std::nullopt;
  return beat;
}

const v1::StreamPosition* control_position(const v1::Beat& beat) {
  for (const auto& position : beat.positions())
    if (position.stream_id() == kControlStream.value) return &position;
  return nullptr;
}

bool beat_holds(const frame::View& frame, const v1::Beat& beat, CaseId id, ProducerId producer,
                const std::string& signing_key) {
  return seal::verify_signature(signing_key, frame::beat_message(id, producer, frame.header, beat),
                                beat.signature());
}

}  // namespace casebox::ingest
