#pragma once

// A device's clock against case time, from times of sending and arrival alone: the lower envelope
// of (arrival - sending) over a short window, plus the coarseness of the device's own stamps. Step
// 2 of a record's path, for sources that answer no clock probe (RECORDER: "One-way sources").
//
// What it cannot see is the least transport delay, which looks the same as an offset; the bound
// allows for it. A clock that moves by more than half a second was set: the estimate begins anew
// and `resets` counts it. One that is set again and again is broken: no bound can be given.
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
  Duration quantum_;
  std::deque<Sighting> window_;
  std::deque<int64_t> reset_times_;  // arrival, ns
  int64_t offset_ns_ = 0;
  uint32_t resets_ = 0;
  bool broken_ = false;
};

}  // namespace casebox::recorder
