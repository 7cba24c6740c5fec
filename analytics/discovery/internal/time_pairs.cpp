#include "analytics/discovery/internal/time_pairs.h"

#include <tuple>

namespace casebox::analytics::discovery::internal {

void TimePairs::read(const Trace& trace) {
  marks_.clear();
  bool sorted = true;
  for (uint32_t i = 0; i < trace.events.size(); ++i) {
    const LogEvent& e = trace.events[i];
    if (!has_start(e)) continue;
    if (!marks_.empty()) {
      const Mark& last = marks_.back();
      sorted = sorted && std::tie(last.t0_ns, last.t1_ns, trace.events[last.event].source_order) <=
                             std::tie(e.t0_ns, e.t1_ns, e.source_order);
    }
    marks_.push_back({e.t0_ns, e.t1_ns, e.u95_ns, e.activity, i, has_end(e)});
  }
  if (sorted) return;
  std::ranges::sort(marks_, {}, [&](const Mark& m) {
    return std::tuple(m.t0_ns, m.t1_ns, trace.events[m.event].source_order, m.event);
  });
}

uint32_t TimePairs::first_after(uint32_t i) const {
  const auto n = static_cast<uint32_t>(marks_.size());
  const int64_t end = marks_[i].t1_ns;
  uint32_t j = i + 1;
  if (j == n || marks_[j].t0_ns >= end) return j;  // nearly always
  const auto it = std::lower_bound(marks_.begin() + j, marks_.end(), end,
                                   [](const Mark& m, int64_t t) { return m.t0_ns < t; });
  return static_cast<uint32_t>(it - marks_.begin());
}

void TimePairs::plan_next() {
  from_.clear();
  next_.assign(marks_.size(), kNone);
  previous_.assign(marks_.size(), kNone);
  for (auto i = static_cast<uint32_t>(marks_.size()); i-- > 0;)
    if (marks_[i].ends) from_.emplace_back(first_after(i), i);
  if (!std::ranges::is_sorted(from_, std::greater{})) std::ranges::sort(from_, std::greater{});
}

}  // namespace casebox::analytics::discovery::internal
