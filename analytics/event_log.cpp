#include "analytics/event_log.h"

#include <algorithm>
#include <numeric>

namespace casebox::analytics {

const char* to_string(OrderBasis basis) {
  switch (basis) {
    case OrderBasis::kStart: return "start";
    case OrderBasis::kEnd: return "end";
    case OrderBasis::kSource: return "source";
  }
  return "source";
}

ActivityId EventLog::intern(const std::string& name) {
  auto [it, added] = ids_.try_emplace(name, static_cast<ActivityId>(activities.size()));
  if (added) activities.push_back(name);
  return it->second;
}

size_t EventLog::event_count() const {
  size_t count = 0;
  for (const Trace& trace : traces) count += trace.events.size();
  return count;
}

std::vector<uint32_t> ordered(const Trace& trace, OrderBasis basis) {
  std::vector<uint32_t> order(trace.events.size());
  std::iota(order.begin(), order.end(), 0);
  auto key = [&](uint32_t i) {
    const LogEvent& event = trace.events[i];
    switch (basis) {
      case OrderBasis::kStart: return event.t0_ns;
      case OrderBasis::kEnd: return event.t1_ns;
      case OrderBasis::kSource: break;
    }
    return int64_t{0};
  };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const int64_t ka = key(a), kb = key(b);
    if (ka != kb) return ka < kb;
    const uint32_t sa = trace.events[a].source_order, sb = trace.events[b].source_order;
    return sa != sb ? sa < sb : a < b;
  });
  return order;
}

}  // namespace casebox::analytics
