#pragma once

// What a verifier knows of an epoch and its streams while frames pass by.
//
// Thread safety: plain values.

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/time.h"
#include "proto/frame/frame.h"
#include "proto/log/log.h"
#include "proto/seal/seal.h"

namespace casebox::verify::internal {

/// A signed statement about a stream: its head before `next`, and how many frames before are gaps.
struct Signed {
  uint64_t next = 0;
  Digest head{};
  std::optional<uint64_t> gap_frames;  // empty: a beat of form 1, which does not tell
  bool operator==(const Signed&) const = default;
};

/// A frame that has passed by: the same one again is a duplicate.
struct Seen {
  uint64_t first = 0;
  Digest leaf{};
};

struct StreamState {
  uint64_t next = 0;
  Digest head{};
  bool begun = false;
  // Numbers are missing or a head was not met: reported once, and heads are not compared until the
  // next signed position at which the stream can be taken up again.
  bool broken = false;
  bool lost = false;           // a hole was found
  std::vector<Signed> stated;  // ascending, from beats and the close frame
  size_t checked = 0;          // of `stated`
  std::vector<Seen> seen;      // in number order
  bool any = false;
  uint64_t counted_gaps = 0;  // gap frames, taken up again with the chain
  uint64_t items = 0, missing = 0, unknown_gaps = 0, gap_frames = 0;
  uint64_t plain = 0;  // data frames that nobody sealed
};

/// A key period is committed to before it is used: what a key frame said of it.
using Period = std::pair<uint32_t, uint32_t>;  // stream, period

struct EpochState {
  ProducerId producer;
  std::optional<v1::CaseFrame> open;
  std::optional<UtcTime>
      begins;  // as its recorder's clock says; derived producers say no such time
  bool derived = false;
  std::map<uint32_t, StreamState> streams;  // 0 included
  std::map<uint32_t, std::string> names;
  std::map<uint64_t, Digest> control_leaves;  // case, stream and key frames by number: for copies
  std::map<Period, Digest> commitments;       // SHA-256 of salt and commitment
  std::optional<v1::CloseFrame> close;
  bool close_covered = false;  // a beat came after it
  bool beaten = false;
  uint64_t last_beat_number = 0;
  bool signs_gaps = false;  // its newest beat is of form 2
  int64_t last_beat_ns = 0;

  // Beats whose signature was not looked at yet. A beat signs the head of stream 0, hence every
  // beat before it byte for byte: as long as heads meet, one signature vouches for all before.
  struct Unchecked {
    Bytes message, signature;
    frame::Header header;
    std::optional<log::Offset> where;
  };
  std::vector<Unchecked> unchecked;
};

}  // namespace casebox::verify::internal
