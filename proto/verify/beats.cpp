// What is signed: positions of streams, and the signatures that vouch for them.
#include <algorithm>

#include "casebox/v1/control.pb.h"
#include "proto/frame/beat.h"
#include "proto/seal/seal.h"
#include "proto/verify/internal/impl.h"

namespace casebox::verify {
namespace {

// A signature is looked at for every so many beats, and for the newest of an epoch: signatures are
// what verifying a long case costs, and one vouches for all beats before it.
constexpr size_t kBeatsPerSignature = 256;

/// True if the bytes are what a message is written as: no field that this program does not know
/// and would pass by.
template <typename Message>
bool canonical(Message& message, BytesView bytes) {
  message.DiscardUnknownFields();
  return message.SerializeAsString() == bytes;
}

}  // namespace

/// Compares the stream with every signed position it has reached. At one that it does not meet it
/// is taken up again from what was signed there, so that the next change is found as well.
void CaseVerifier::Impl::check_stated(StreamState& stream, const Hand& hand) {
  while (stream.checked < stream.stated.size() &&
         stream.stated[stream.checked].next <= stream.next) {
    const Signed& stated = stream.stated[stream.checked++];
    if (stated.next < stream.next) {
      if (!stream.broken)
        tamper("chain", hand.text(),
               "a signed position, " + number_text(hand.header.stream, stated.next) +
                   ", lies inside this frame");
      stream.broken = true;
      continue;
    }
    if (!stream.broken && stated.head != stream.head)
      tamper("chain", hand.text(),
             "the frames before " + number_text(hand.header.stream, stated.next) +
                 " are not those that were signed");
    else if (!stream.broken && stated.gap_frames && *stated.gap_frames != stream.counted_gaps)
      tamper("gap", hand.text(),
             std::to_string(*stated.gap_frames) + " gaps were signed before " +
                 number_text(hand.header.stream, stated.next) + ", " +
                 std::to_string(stream.counted_gaps) + " are there");
    stream.head = stated.head;
    stream.counted_gaps = stated.gap_frames.value_or(stream.counted_gaps);
    stream.broken = false;
  }
}

void CaseVerifier::Impl::state(EpochState& epoch, Epoch id, const v1::StreamPosition& position,
                               bool counts_gaps, const Hand& hand) {
  const auto head = to_digest(position.head());
  if (!head) {
    tamper("beat", hand.text(),
           "the head of stream " + std::to_string(position.stream_id()) + " is not 32 bytes");
    return;
  }
  auto& stated = stream_of(id, epoch, StreamId{position.stream_id()}).stated;
  Signed now{position.next_number(), *head, {}};
  if (counts_gaps) now.gap_frames = position.gap_frames();
  if (!stated.empty() && stated.back() == now) return;
  if (!stated.empty() && stated.back().next == now.next && stated.back().head == now.head &&
      !stated.back().gap_frames) {
    stated.back() = now;
    return;
  }
  if (!stated.empty() && stated.back().next >= now.next) {
    if (stated.back().next == now.next && stated.back().head == now.head && !now.gap_frames) return;
    tamper("beat", hand.text(),
           "stream " + std::to_string(position.stream_id()) + " goes from number " +
               std::to_string(stated.back().next) + " to " + std::to_string(now.next));
    return;
  }
  stated.push_back(now);
}

/// One signature vouches for every beat before it while heads meet; where one does not, each is
/// looked at (`each`).
void CaseVerifier::Impl::check_signatures(EpochState& epoch, bool each) {
  const Bytes key = epoch.open ? epoch.open->signing_key() : Bytes();
  auto holds = [&](const EpochState::Unchecked& beat) {
    return seal::verify_signature(key, beat.message, beat.signature);
  };
  if (!epoch.open) epoch.unchecked.clear();  // its key is not there, and that is said
  if (epoch.unchecked.empty()) return;
  if (each || !holds(epoch.unchecked.back()))
    for (const auto& beat : epoch.unchecked)
      if (!holds(beat))
        tamper("signature", place(beat.header, beat.where),
               "beat is not signed by the epoch's key");
  epoch.unchecked.clear();
}

void CaseVerifier::Impl::take_beat(EpochState& epoch, const frame::View& frame,
                                   const Signed& before, const Hand& hand) {
  v1::Beat beat;
  if (!beat.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size())) ||
      !canonical(beat, frame.body)) {
    tamper("beat", hand.text(), "beat is not written as a recorder writes it");
    return;
  }
  const bool form2 = beat.form() == 2;
  const frame::Header& h = frame.header;
  if (beat.form() > 2 || h.count != 1 || h.t.ns != beat.t_ns() || h.u95_us != 0 ||
      h.duration_us != 0 || h.period.value != 0)
    tamper("beat", hand.text(), "the beat's header is not what a recorder gives it");
  StreamState& control = epoch.streams.at(0);
  epoch.unchecked.push_back(
      {frame::beat_message(case_id, epoch.producer, h, beat), beat.signature(), h, hand.where});
  bool covered = false;
  const auto by_stream = [](const auto& a, const auto& b) {
    return a.stream_id() >= b.stream_id();
  };
  if (std::ranges::adjacent_find(beat.positions(), by_stream) != beat.positions().end())
    tamper("beat", hand.text(), "its positions are not in the order of their streams");
  for (const auto& position : beat.positions()) {
    if (position.stream_id() != 0) {
      state(epoch, h.epoch, position, form2, hand);
      continue;
    }
    covered = true;
    const auto head = to_digest(position.head());
    const bool meets = head && position.next_number() == before.next && *head == before.head;
    if (meets && !control.broken) continue;
    if (!control.broken)
      tamper("chain", hand.text(), "the control frames before it are not those that were signed");
    // Taken up again from what this beat signs, which its own signature must vouch for.
    check_signatures(epoch, true);
    if (head && position.next_number() == before.next) {
      control.head = frame::next_head(*head, frame::leaf_hash(frame));
      control.broken = false;
    }
  }
  if (!covered) tamper("beat", hand.text(), "beat does not cover the control stream");
  epoch.beaten = true;
  epoch.last_beat_number = h.first.value;
  epoch.signs_gaps = form2;
  epoch.last_beat_ns = beat.t_ns();
  if (epoch.close) epoch.close_covered = true;
  if (epoch.unchecked.size() >= kBeatsPerSignature) check_signatures(epoch, false);
}

}  // namespace casebox::verify
