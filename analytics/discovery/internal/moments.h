#pragma once

// Count, sum and sum of squares of durations as integers of up to 256 bits: nothing is rounded
// until mean and standard deviation are asked for, so the order of cases cannot change them, and a
// small spread around a large mean keeps its digits.
//
// Thread safety: one thread. Range: durations of 0 to 2^63 - 1 ns, up to 2^40 of them.

#include <cstdint>

namespace casebox::analytics::discovery::internal {

class Moments {
 public:
  void add(int64_t duration_ns) {
    const auto d = static_cast<uint64_t>(duration_ns);
    const Wide square = Wide{d} * d;
    sum_ += d;
    squares_high_ += __builtin_add_overflow(squares_, square, &squares_) ? 1 : 0;
    ++n_;
  }

  uint64_t n() const { return n_; }
  /// n > 0.
  long double mean_ns() const { return static_cast<long double>(sum_) / n_; }
  /// Of the sample, divided by n - 1; n > 1.
  long double sd_ns() const;

 private:
  __extension__ using Wide = unsigned __int128;

  Wide sum_ = 0;
  Wide squares_ = 0;
  uint64_t squares_high_ = 0;  // what ran over
  uint64_t n_ = 0;
};

}  // namespace casebox::analytics::discovery::internal
