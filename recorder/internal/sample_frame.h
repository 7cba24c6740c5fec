#pragma once

// A frame of samples that is being filled: runs of one stream put behind one another, and the body
// they become.
//
// Thread safety: one thread.

#include <memory>
#include <vector>

#include "casebox/v1/sample.pb.h"
#include "casebox/v1/stream.pb.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

class SampleFrame {
 public:
  bool empty() const { return ticks_ == 0; }
  uint32_t ticks() const { return ticks_; }
  size_t samples() const { return ticks_ * columns_.size(); }
  CaseTime t() const { return t_; }
  /// Where the next tick of an even stream is expected.
  CaseTime end() const { return end_; }
  CaseTime opened() const { return opened_; }
  MonoTime captured() const { return captured_; }
  uint32_t u95_us() const { return u95_us_; }

  /// Puts a run behind; `even` streams have a tick rate, others a time per item.
  void append(const Item& item, Samples samples, const v1::Stream& stream);
  /// The body of all that was put in; the frame is empty afterwards.
  std::unique_ptr<v1::SampleChunk> take(const v1::Stream& stream);

 private:
  struct Segment {
    uint32_t tick;  // first of the segment
    int64_t t_src;
    int64_t step;
    CaseTime t;
  };
  uint32_t ticks_ = 0;
  CaseTime t_, end_, opened_;
  MonoTime captured_;
  uint32_t u95_us_ = 0;
  std::vector<Column> columns_;
  std::vector<Segment> segments_;
};

/// ns between ticks; 0 for an uneven stream.
int64_t tick_ns(const v1::Stream& stream);

}  // namespace casebox::recorder::internal
