#pragma once

// The whole of one channel at one coarse resolution: the least and greatest value of each cell of a
// fixed length. Built once in one pass, it answers every wide window, so that looking at two hours
// of a 500 Hz wave costs the same as looking at a minute.
//
// Thread safety: one thread builds; then shared read-only. Memory: 20 bytes a cell.

#include <cstdint>
#include <vector>

#include "tools/documents/decimate.h"

namespace casebox::tools::web {

class Overview {
 public:
  /// Over [from_s, to_s) in cells of `cell_s`, at most kMaxCells of them (then longer ones).
  Overview(double from_s, double to_s, double cell_s);
  void add(double t_s, double value);

  /// True when a bucket of this window is no narrower than a cell.
  bool fits(double from_s, double to_s, size_t buckets) const;
  /// As a Decimator that had seen every sample would say, to within a cell.
  PlotSeries series(double from_s, double to_s, size_t buckets) const;

  static constexpr size_t kMaxCells = 40'000;

 private:
  double from_s_, cell_s_;
  std::vector<double> min_, max_;  // NaN: no value
  std::vector<uint32_t> samples_;  // missing ones included
};

}  // namespace casebox::tools::web
