#pragma once

// The times inside one case that a temporal profile is made of.
//
// Thread safety: one thread; an object is used again from case to case.

#include <algorithm>
#include <vector>

#include "analytics/discovery/timed.h"

namespace casebox::analytics::discovery::internal {

class TimePairs {
 public:
  struct Mark {
    int64_t t0_ns;
    int64_t t1_ns;
    int64_t u95_ns;
    ActivityId activity;
    uint32_t event;
    bool ends;
  };

  explicit TimePairs(size_t activities) : place_(activities, kNone) {}

  void read(const Trace& trace);

  /// from(mark) gives visit(to): from each event to the next occurrence of each later activity.
  /// Costs events times different activities.
  template <typename From>
  void each_next(From from);
  /// The same, from each event to every later one.
  template <typename From>
  void each(From from) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// First mark behind i that begins no earlier than i ends.
  uint32_t first_after(uint32_t i) const;
  void plan_next();

  std::vector<Mark> marks_;
  std::vector<std::pair<uint32_t, uint32_t>> from_;  // (first mark behind, mark), last first
  std::vector<uint32_t> place_;                      // of each activity's first mark from here on
  std::vector<uint32_t> next_, previous_;            // list of those marks
};

template <typename From>
void TimePairs::each(From from) const {
  const auto n = static_cast<uint32_t>(marks_.size());
  for (uint32_t i = 0; i < n; ++i) {
    if (!marks_[i].ends) continue;
    auto visit = from(marks_[i]);
    for (uint32_t j = first_after(i); j < n; ++j) visit(marks_[j]);
  }
}

// From the end to the beginning, a list of the first mark of each activity is kept up; every mark
// reads it as it stands where the mark ends.
template <typename From>
void TimePairs::each_next(From from) {
  plan_next();
  uint32_t head = kNone, at = static_cast<uint32_t>(marks_.size());
  for (const auto& [first, i] : from_) {
    while (at > first) {
      --at;
      uint32_t& place = place_[marks_[at].activity];
      if (place != kNone) {
        const uint32_t before = previous_[place], after = next_[place];
        (before == kNone ? head : next_[before]) = after;
        if (after != kNone) previous_[after] = before;
      }
      place = at;
      next_[at] = head;
      previous_[at] = kNone;
      if (head != kNone) previous_[head] = at;
      head = at;
    }
    auto visit = from(marks_[i]);
    for (uint32_t j = head; j != kNone; j = next_[j]) visit(marks_[j]);
  }
  for (const Mark& mark : marks_) place_[mark.activity] = kNone;
}

}  // namespace casebox::analytics::discovery::internal
