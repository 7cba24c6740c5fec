#pragma once

// Labels of frames, one after the other, to the spans in which they hold.
//
// Thread safety: one thread.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "recorder/sources/internal/phase_file.h"

namespace casebox::recorder::internal {

/// Where a frame begins, in microseconds.
inline int64_t frame_us(int64_t frame, double rate) {
  return static_cast<int64_t>(static_cast<double>(frame) * 1e6 / rate + (frame < 0 ? -0.5 : 0.5));
}

class LabelRuns {
 public:
  /// `rate`: frames a second; `step`: frames from one row to the next.
  LabelRuns(double rate, int64_t step) : rate_(rate), step_(step) {}

  /// The labels of the next frame; frames rise.
  void frame(int64_t number, const std::set<std::string>& labels, v1::Interval::Level level) {
    for (auto it = open_.begin(); it != open_.end();) {
      const bool goes_on = it->first.second == level && labels.contains(it->first.first) &&
                           number - it->second.last <= step_;
      if (it->first.second != level || goes_on) {
        ++it;
        continue;
      }
      close(it->first, it->second);
      it = open_.erase(it);
    }
    for (const std::string& label : labels)
      open_.try_emplace({label, level}, Span{number, number}).first->second.last = number;
  }
  /// All spans; each ends where the row behind its last one would begin.
  std::vector<PhaseInterval> finish() {
    for (const auto& [key, span] : open_) close(key, span);
    open_.clear();
    return std::move(out_);
  }

 private:
  struct Span {
    int64_t first = 0, last = 0;
  };
  using Key = std::pair<std::string, v1::Interval::Level>;

  void close(const Key& key, const Span& span) {
    PhaseInterval& interval = out_.emplace_back();
    interval.label = key.first;
    interval.level = key.second;
    interval.start = frame_us(span.first, rate_);
    interval.end = frame_us(span.last + step_, rate_);
  }

  double rate_;
  int64_t step_;
  std::map<Key, Span> open_;
  std::vector<PhaseInterval> out_;
};

}  // namespace casebox::recorder::internal
