#pragma once

// What a room said before its next case begins, in memory: so that the case begins where it should,
// and not where a rule noticed. Bounded in time and in bytes; what falls out was of no case and is
// no loss. Pictures are kept back to one that can be shown by itself.
//
// Thread safety: one thread. Lifetime: none; messages are owned.

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "recorder/inbox.h"
#include "recorder/room_time.h"

namespace casebox::recorder {

class Ring {
 public:
  Ring(size_t sources, Duration length, uint64_t bytes);

  void push(Message message);
  /// What a source says of itself while a case has its items.
  void remember(Message message);
  /// Lets go of what is older than the ring's length.
  void trim(RoomTime now);

  /// What a source had said of itself before the oldest message.
  struct Before {
    std::optional<Message> opened;  // kOpened
    std::optional<Message> away;    // kAway, since then
    std::vector<ClockState> clocks;
    bool ended = false;
  };
  const Before& before(size_t source) const { return before_[source]; }

  /// All messages in the order they came; the ring is empty afterwards and knows of each source
  /// what it said last.
  std::vector<Message> take();

  bool empty() const { return messages_.empty(); }
  uint64_t bytes() const { return bytes_; }
  /// From the oldest message on.
  std::optional<RoomTime> begin() const;
  /// Where the earliest of its items begins.
  std::optional<RoomTime> earliest() const;
  /// It is shorter than it should be, since its bytes do not suffice.
  bool cut() const { return cut_until_.has_value(); }

 private:
  void drop_oldest();

  Duration length_;
  uint64_t limit_;
  std::deque<Message> messages_;
  std::vector<Before> before_;
  std::map<std::pair<size_t, size_t>, std::deque<RoomTime>> keys_;  // video: pictures shown alone
  uint64_t bytes_ = 0;
  std::optional<RoomTime> cut_until_;  // what bytes cost, as long as that would still be in it
};

/// Bytes that a message takes in memory, about.
uint64_t size_of(const Message& message);

}  // namespace casebox::recorder
