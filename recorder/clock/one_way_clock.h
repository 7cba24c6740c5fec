#pragma once

// A device's clock against case time, from times of sending and arrival alone: the lower envelope
// of (arrival - sending) over a short window, plus the coarseness of the device's own stamps. Step
// 2 of a record's path, for sources that answer no clock probe (RECORDER: "One-way sources").
//
// What it cannot see is the least transport delay, which looks the same as an offset; the bound
// allows for it. A clock that moves by more than half a second was set: the estimate begins anew
// and `resets` counts it. One that is set again and again is broken: no bound can be given.
//
// Nothing arrives before it was sent, so one sighting that is too early shows a clock set ahead.
// One that is too late may only have been delayed: a clock was set back if for three seconds, and
// three sightings at least, all were too late. Until then the bound holds for both. Where each
// sighting is delayed by itself with probability p, once a second, a false set takes at least four
// in a row (p 0.03: less than once in 300 h) and a false "broken" two of them in three minutes. A
// line that holds up everything for longer than three seconds still looks like a clock that was set
// there and back.
//
// Thread safety: one thread owns a OneWayClock.
// Units: ns; u95 in us, 0xFFFFFFFF where no bound can be given.

#include <cstdint>
#include <deque>

#include "proto/base/time.h"

namespace casebox::recorder {

class OneWayClock {
 public:
  /// `quantum`: the step in which the device tells its time; half of it goes into the bound.
  explicit OneWayClock(Duration quantum = {}) : quantum_(quantum) {}

  void observe(int64_t sent_src_ns, CaseTime arrival);
  CaseTime map(int64_t src_ns) const { return CaseTime{src_ns + offset_ns_}; }

  int64_t offset_ns() const { return offset_ns_; }
  bool broken() const { return broken_; }
  uint32_t resets() const { return resets_; }
  uint32_t u95_us() const;

 private:
  struct Sighting {
    int64_t offset_ns;
    CaseTime arrival;
  };
  void set(CaseTime arrival);
  bool may_be_delay(const Sighting& late);

  Duration quantum_;
  std::deque<Sighting> window_;
  uint32_t seen_ = 0;  // sightings since the estimate began, beyond the window too
  std::deque<Sighting>
      late_;  // since the last that was in time: delayed, or the clock was set back
  std::deque<int64_t> reset_times_;  // arrival, ns
  int64_t envelope_ns_ = 0;          // least offset in the window
  int64_t offset_ns_ = 0;
  int64_t doubt_ns_ = 0;  // how far apart the two explanations of late_ are
  uint32_t resets_ = 0;
  bool broken_ = false;
};

}  // namespace casebox::recorder
