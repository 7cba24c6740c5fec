#pragma once

// A simulated operating room: makes the packets of every stream of a plan, second by second, as
// fast as it is asked, and counts for itself what it sent.
//
// Thread safety: one thread owns a Room.
// Errors: open() fails on options that make no plan and where no H.264 encoder is at hand
// (kUnsupported). Determinism: the same options give the same packets, pictures included (one
// encoder version).

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "casebox/v1/stream.pb.h"
#include "proto/base/result.h"
#include "recorder/sim/packet.h"
#include "recorder/sim/physiology.h"
#include "recorder/sim/plan.h"

namespace casebox::recorder::sim {

/// What the simulator knows of one stream beside its plan.
struct SentCount {
  uint64_t sent = 0;        // items that left the device, lost ones included
  uint64_t lost = 0;        // of those, never delivered
  uint64_t duplicated = 0;  // packets delivered twice
  uint64_t reordered = 0;   // packets delivered after their successor
  uint64_t away = 0;        // times the device was off
};

struct TwinTruth {
  uint64_t forecasts = 0;
  uint64_t late = 0;  // issued after the time they are about
  uint64_t shown = 0;
};

class Room {
 public:
  static Result<std::unique_ptr<Room>> open(const Options& options);
  ~Room();

  const Plan& plan() const;
  const Physiology& body() const;
  /// Registry of the room's streams, media formats filled in.
  const std::vector<v1::Stream>& streams() const;

  /// The packets that arrive in the next second of case time, in order of arrival; false once all
  /// have.
  Result<bool> next(std::vector<Packet>& out);

  /// Complete once next() has returned false.
  const std::vector<SentCount>& counts() const;
  const TwinTruth& twin() const;

 private:
  Room();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder::sim
