#pragma once

// The verifier's inside, in one place for its two halves: frames and their chains
// (case_verifier.cpp), and what is signed about them (beats.cpp).
//
// Thread safety: one thread.

#include <string>
#include <utility>
#include <vector>

#include "proto/verify/internal/epoch_state.h"
#include "proto/verify/internal/judge.h"
#include "proto/verify/verify.h"

namespace casebox::verify {

using internal::EpochState;
using internal::Signed;
using internal::StreamState;

std::string number_text(StreamId stream, uint64_t number);
/// Where a frame stands, for messages.
std::string place(const frame::Header& header, const Where& where);

struct CaseVerifier::Impl {
  CaseId case_id;
  Options options;
  Report report;
  bool torn = false;
  internal::Epochs epochs;
  std::vector<uint64_t> order;  // epochs as they came
  uint64_t strangers = 0;       // frames of epochs that nothing opens
  std::string first_stranger;

  /// Where the frame in hand stands; a text is made of it only for problems.
  struct Hand {
    const frame::Header& header;
    const Where& where;
    std::string text() const { return place(header, where); }
  };

  void blame(Weight weight, std::string kind, std::string where, std::string detail) {
    report.blame({std::move(kind), std::move(where), std::move(detail)}, weight);
  }
  void tamper(std::string kind, std::string where, std::string detail) {
    blame(Weight::kTamper, std::move(kind), std::move(where), std::move(detail));
  }
  void count(const frame::View& frame) {
    ++report.frames;
    report.bytes += frame.bytes.size();
  }
  StreamState& stream_of(Epoch epoch, EpochState& state, StreamId stream) {
    auto [at, added] = state.streams.try_emplace(stream.value);
    if (added) at->second.head = frame::first_head(state.producer, case_id, stream, epoch);
    return at->second;
  }

  bool move_to(StreamState& stream, const Hand& hand, const Digest* leaf);
  void chain(StreamState& stream, const frame::Header& h, const Digest& leaf);
  void check_stated(StreamState& stream, const Hand& hand);
  void take_case(EpochState& epoch, const frame::View& frame, const Hand& hand);
  void take_stream(EpochState& epoch, const frame::View& frame, const Hand& hand);
  void take_keys(EpochState& epoch, const frame::View& frame, const Hand& hand);
  void take_beat(EpochState& epoch, const frame::View& frame, const Signed& before,
                 const Hand& hand);
  void check_signatures(EpochState& epoch, bool each);
  void state(EpochState& epoch, Epoch id, const v1::StreamPosition& position, bool counts_gaps,
             const Hand& hand);
  EpochState* check_place(const frame::Header& h, const Hand& hand);
  void check_body(EpochState& epoch, StreamState& stream, const frame::View& frame,
                  const Hand& hand);
  void finish_epoch(uint64_t id, EpochState& epoch);
};

}  // namespace casebox::verify
