#pragma once

// How one clock stands to another, from measurements of their difference: a straight line for each
// stretch between two resets, fitted to those measurements that are not far off.
//
// Thread safety: plain values. Source: the synchronisation of pyxdf, with its thresholds; its
// robust line is Huber's, ours least squares over what lies within three median deviations.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/time.h"

namespace casebox::recorder::internal {

struct ClockMeasured {
  double at = 0;      // s on the clock
  double offset = 0;  // s to be added
};

class ClockFit {
 public:
  ClockFit() = default;
  /// In the order in which they were made.
  explicit ClockFit(const std::vector<ClockMeasured>& measured);

  bool known() const { return !stretches_.empty(); }
  size_t resets() const { return stretches_.empty() ? 0 : stretches_.size() - 1; }
  /// Seconds to be added to `t`, a time on the clock. `stretch`: where the clock was, which only
  /// goes on; begin with 0.
  double offset_at(double t, size_t& stretch) const;
  double slope() const { return stretches_.empty() ? 0 : stretches_.front().slope; }
  /// 95 % of the measurements lie within, s.
  double spread() const { return spread_; }

 private:
  struct Stretch {
    double begin = 0, end = 0;  // of its measurements
    double mean = 0, offset = 0, slope = 0;
  };
  void fit(std::vector<ClockMeasured> of);
  std::vector<Stretch> stretches_;
  double spread_ = 0;
};

}  // namespace casebox::recorder::internal
