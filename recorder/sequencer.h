#pragma once

// Numbers items, gathers them into frames and hands those to the producer (step 3 of a record's
// path). Whatever is not recorded becomes a gap in the same stream, in its place; the books
// balance: received = stored + missing + in ring.
//
// A frame of samples closes at its span, when what comes next does not join it, at a minute of case
// time, or when it has waited too long; an event is a frame at once; a media item is a frame, or
// several when one packet is too large for it.
//
// Thread safety: one thread owns a Sequencer.
// Errors: put() always takes the item. An error (kNoSpace, kIo) means that finished frames wait;
// retry() tries again, in order, and until then blocked() is true.
// Lifetime: the producer and the clock outlive the Sequencer.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proto/producer/producer.h"
#include "recorder/recorder.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

struct FrameLimits {
  Duration wave_span = seconds(1);     // case time in one frame of an even stream
  Duration numeric_span = seconds(1);  // of an uneven one
  Duration age = milliseconds(150);    // how long a frame may wait for more
  size_t samples = 32'768;             // over all channels
};
/// Imports have all the time there is: fewer, larger frames.
constexpr FrameLimits kImportLimits{seconds(4), seconds(60), seconds(3600), 32'768};

struct LaneCount {
  uint64_t received = 0;
  uint64_t stored = 0;
  uint64_t missing = 0;
  uint64_t gap_frames = 0;
  uint64_t unknown_gaps = 0;
  uint64_t in_ring = 0;
};

class Sequencer {
 public:
  Sequencer(producer::Producer& producer, FrameLimits limits);
  ~Sequencer();

  /// Registers a stream; returns its lane.
  Result<size_t> add(v1::Stream stream);
  /// A new entry for a lane: another init segment, another clock. Its open frame is closed first.
  Result<void> replace(size_t lane, v1::Stream stream);
  const v1::Stream& stream(size_t lane) const;

  Result<void> put(size_t lane, Item item);
  /// Takes an item as lost: it becomes part of a gap.
  Result<void> drop(size_t lane, const Item& item, v1::Gap::Origin origin, const char* reason);
  /// Closes frames that have waited since before `now` - age.
  Result<void> flush_due(CaseTime now);
  /// Closes all open frames.
  Result<void> flush();
  /// Appends what waits.
  Result<void> retry();
  bool blocked() const { return blocked_; }
  /// True once after an event was appended: it wants to be on disk at once.
  bool take_urgent() { return std::exchange(urgent_, false); }

  size_t lanes() const { return lanes_.size(); }
  LaneCount count(size_t lane) const;
  /// Gaps that stand in the log, by reason; `source` and `stream` are left empty.
  const std::vector<Loss>& losses(size_t lane) const;
  /// The books, checked against the producer's own numbers.
  bool balances() const;
  uint64_t frames() const { return frames_; }
  uint64_t items() const { return items_; }

 private:
  struct Lane;
  struct Ready;

  bool joins(const Lane& lane, const Item& item, const Samples& samples) const;
  void extend(Lane& lane, const Item& item, Samples samples);
  void close(Lane& lane);
  void split(Lane& lane, Item item);
  Result<void> drain(Lane& lane);
  Result<void> append(Lane& lane, Ready& ready);

  producer::Producer& producer_;
  FrameLimits limits_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  bool blocked_ = false;
  bool urgent_ = false;
  uint64_t frames_ = 0;
  uint64_t items_ = 0;
};

}  // namespace casebox::recorder
