#pragma once

// A simulated room as the recorder sees it: the room's packets through a receiver, as items and
// gaps in the order in which they become known, with estimated case times and their bounds. What a
// source of type "simulator" hands to the sequencer.
//
// Thread safety: one thread owns a Feed.
// Errors: as Room.

#include <map>
#include <memory>
#include <vector>

#include "casebox/v1/control.pb.h"
#include "proto/base/result.h"
#include "recorder/sim/receiver.h"
#include "recorder/sim/room.h"

namespace casebox::recorder::sim {

class Feed {
 public:
  static Result<std::unique_ptr<Feed>> open(const Options& options);

  const std::vector<v1::Stream>& streams() const { return room_->streams(); }
  /// What becomes known in the next second of case time; false once everything has been said.
  Result<bool> next(std::vector<Received>& out);
  /// Case time up to which next() has come.
  CaseTime now() const { return now_; }
  /// Estimates of all device clocks seen so far, for a clock record.
  std::vector<v1::SourceClock> clocks() const;
  /// The same as they are kept, by clock id.
  const std::map<uint32_t, OneWayClock>& trackers() const { return receiver_.clocks(); }
  /// For truth_json and tests.
  const Room& room() const { return *room_; }

 private:
  explicit Feed(std::unique_ptr<Room> room) : room_(std::move(room)), receiver_(room_->streams()) {}

  std::unique_ptr<Room> room_;
  Receiver receiver_;
  std::vector<Packet> packets_;
  CaseTime now_;
  bool finished_ = false;
};

}  // namespace casebox::recorder::sim
