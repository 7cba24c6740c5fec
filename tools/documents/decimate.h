#pragma once

// Samples for a plot no wider than its pixels: raw values while they fit, else the least and
// greatest of each bucket, so that no spike is lost. A missing sample or an empty bucket is a hole
// in the curve.
//
// Thread safety: one thread. Memory: at most about four numbers a bucket.

#include <cstddef>
#include <vector>

namespace casebox::tools {

struct PlotSeries {
  bool raw = true;          // every sample; else min/max of buckets
  std::vector<double> t_s;  // of the sample, or the middle of the bucket
  std::vector<double> min;  // NaN: a hole
  std::vector<double> max;  // equal to min when raw
  size_t samples = 0;       // seen, missing ones included
};

class Decimator {
 public:
  /// Over [from_s, to_s); `buckets` at least 1.
  Decimator(double from_s, double to_s, size_t buckets);
  /// In any order of time; NaN is a missing sample; outside the window is ignored.
  void add(double t_s, double value);
  /// Marks a hole at `t_s`: nothing was recorded there.
  void hole(double t_s);
  PlotSeries finish() const;
  /// As buckets even if every sample would fit.
  PlotSeries finish_buckets() const;

 private:
  struct Bucket {
    double min = 0, max = 0;
    bool any = false;
  };
  double from_s_, to_s_;
  std::vector<Bucket> buckets_;
  std::vector<std::pair<double, double>> raw_;
  bool too_many_ = false;
  size_t samples_ = 0;
};

}  // namespace casebox::tools
