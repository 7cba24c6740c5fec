#pragma once

// What a simulated device sends: a packet of consecutive items of one stream, numbered by the
// sender.
//
// Thread safety: plain values.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "casebox/v1/control.pb.h"
#include "casebox/v1/event.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/time.h"

namespace casebox::recorder::sim {

/// Samples: one vector of codes per channel, each `count` long.
struct Block {
  std::vector<std::vector<int64_t>> channels;
};

/// One coded picture (H.264, Annex B).
struct Picture {
  Bytes data;
  int64_t pts = 0;  // in 1/90000 s, from the stream's first picture
  int64_t duration = 0;
  bool key = false;
};

/// The device went away and came back; how many items it would have sent nobody knows.
struct Away {
  CaseTime until;
};

struct Packet {
  size_t stream = 0;    // index in the room's streams
  uint64_t number = 0;  // of the first item, counted by the sender
  uint32_t count = 1;
  int64_t t_src_ns = 0;  // of the first item, on the device's clock; of a picture its pts says it
  int64_t sent_src_ns = 0;  // when it was sent, on the device's clock
  CaseTime t;               // true time of the first item: for tests, never for analysis
  CaseTime arrival;         // when it reaches the recorder
  std::variant<Block, v1::Event, Picture, Away> what;
};

}  // namespace casebox::recorder::sim
