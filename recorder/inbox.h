#pragma once

// What the source threads hand to the writer thread: one bounded queue a source, one lock for all.
//
// A source that must not be kept waiting loses what does not fit, the least important class first:
// video above 80 % of the room (whole groups of pictures), waves above 90 %, events only above four
// times the room. What is lost is told by a gap in its place. Other sources wait for room.
//
// Thread safety: all of it.

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "recorder/recorder.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

/// What a source thread says.
struct Message {
  enum class Kind { kOpened, kItem, kClocks, kAway, kEnded };
  Kind kind = Kind::kItem;
  size_t source = 0;
  Item item;                        // kItem
  std::vector<v1::Stream> streams;  // kOpened
  std::vector<ClockState> clocks;   // kClocks
  std::string reason;               // kAway: code of the gap
  bool live = false;                // kOpened, kEnded: the source is a device
  CaseTime at;                      // order of messages in fast mode
};

/// Numbers that an item takes.
uint64_t numbers_of(const Item& item);

class Inbox {
 public:
  Inbox(size_t sources, size_t room);

  /// `wait`: for room, rather than lose the item. Returns false once closed, and counts it.
  bool push(Message message, v1::StreamClass kept, bool wait);
  /// The next message: in fast mode (`merge`) the earliest of all sources, once each has spoken or
  /// ended; else any. Empty after `patience` without one, or when all have ended.
  std::optional<Message> pop(bool merge, Duration patience);
  bool ended(size_t source) const;
  bool finished() const;  // all sources have ended and everything was taken
  void close();           // wakes everybody; push() refuses from now on
  /// Items that came when it was closed: nobody has taken them.
  uint64_t refused() const;

  void set_state(size_t source, SourceState state);
  std::vector<SourceState> states() const;
  /// Items that reached the inbox, and those lost here, by stream of a source.
  uint64_t received(size_t source, size_t stream) const;
  /// Messages waiting.
  size_t waiting() const;

 private:
  struct Lost {
    v1::Gap gap;
    bool until_key = false;  // video: the rest of the group goes too
  };
  struct Queue {
    std::deque<Message> messages;
    std::map<size_t, Lost> lost;  // by stream: not yet told
    std::map<size_t, uint64_t> received;
    SourceState state;
    bool ended = false;
  };
  bool too_full(const Queue& queue, v1::StreamClass kept) const;
  void lose(Queue& queue, const Message& message, bool video);
  void tell_lost(Queue& queue, size_t source, size_t stream);

  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable emptied_;
  std::vector<Queue> queues_;
  size_t room_;
  size_t next_ = 0;  // round robin
  bool closed_ = false;
  uint64_t refused_ = 0;
};

}  // namespace casebox::recorder
