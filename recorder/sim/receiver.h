#pragma once

// The receiving end of a simulated device: puts packets in the sender's order, drops second copies,
// says what is missing, and maps the device's clock to case time from nothing but times of sending
// and arrival. It knows neither the plan nor the counts of the room.
//
// A packet is placed when it arrives, however long it waits for those before it. Where the device's
// clock was set after the packet was sent, or while it was made, its stamps belong to two clocks:
// it is placed by its arrival and by the length of what it holds.
//
// A gap runs from the end of the last item to the beginning of the next one.
//
// Thread safety: one thread owns a Receiver.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "casebox/v1/control.pb.h"
#include "casebox/v1/stream.pb.h"
#include "recorder/clock/one_way_clock.h"
#include "recorder/sim/packet.h"

namespace casebox::recorder::sim {

/// An item, or what is missing in its place.
struct Received {
  size_t stream = 0;
  CaseTime t;  // estimated, of the first item
  uint32_t u95_us = 0;
  CaseTime arrival;
  bool is_gap = false;
  v1::Gap gap;    // if is_gap
  Packet packet;  // else
};

class Receiver {
 public:
  explicit Receiver(const std::vector<v1::Stream>& streams);

  void take(Packet packet, std::vector<Received>& out);
  /// Nothing more will come. `sent[i]` is how many items stream i's device says it sent.
  void finish(const std::vector<uint64_t>& sent, std::vector<Received>& out);

  uint64_t duplicates(size_t stream) const { return links_[stream].duplicates; }
  const OneWayClock& clock(uint32_t clock_id) const { return clocks_.at(clock_id); }
  const std::map<uint32_t, OneWayClock>& clocks() const { return clocks_; }

 private:
  struct Placed {
    Packet packet;
    CaseTime t;  // of the first item
    uint32_t u95_us;
  };
  struct Link {
    uint64_t next = 0;
    // Ahead of `next`: by number, an absence (which takes none) before the item of its number.
    std::map<std::pair<uint64_t, bool>, Placed> waiting;
    uint64_t duplicates = 0;
    CaseTime last;                       // where the last delivered item ended
    std::optional<CaseTime> away_until;  // it is away, and says when it will be back
  };
  void release(size_t stream, CaseTime now, std::vector<Received>& out);
  void deliver(size_t stream, Placed placed, std::vector<Received>& out);
  Placed place(Packet packet) const;
  /// Whether its items follow one another, each as long as the next is off.
  bool tiles(size_t stream) const;
  CaseTime end_of(const Received& item) const;
  /// The gap of an absence, from the last item to `until`.
  void absence(size_t stream, CaseTime until, CaseTime now, std::vector<Received>& out);
  void missing(size_t stream, uint64_t count, CaseTime end, std::vector<Received>& out);

  std::vector<v1::Stream> streams_;
  std::vector<Link> links_;
  std::map<uint32_t, OneWayClock> clocks_;
};

}  // namespace casebox::recorder::sim
