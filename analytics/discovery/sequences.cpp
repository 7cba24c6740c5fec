#include "analytics/discovery/sequences.h"

#include <algorithm>
#include <numeric>

namespace casebox::analytics::discovery {
namespace {

/// What orders an event: its time by the basis, then its place in the source.
struct Key {
  int64_t time;
  uint32_t source;
  bool operator<=(const Key& other) const {
    return time != other.time ? time < other.time : source <= other.source;
  }
};

Key key_of(const LogEvent& event, OrderBasis basis) {
  return {basis == OrderBasis::kStart ? event.t0_ns
          : basis == OrderBasis::kEnd ? event.t1_ns
                                      : 0,
          event.source_order};
}

bool in_order(const Trace& trace, OrderBasis basis) {
  for (size_t i = 1; i < trace.events.size(); ++i)
    if (!(key_of(trace.events[i - 1], basis) <= key_of(trace.events[i], basis))) return false;
  return true;
}

void put_steps(const Trace& trace, OrderBasis basis, ActivityId* to) {
  if (in_order(trace, basis)) {
    for (const LogEvent& event : trace.events) *to++ = event.activity;
  } else {
    for (const uint32_t i : ordered(trace, basis)) *to++ = trace.events[i].activity;
  }
}

}  // namespace

std::span<const uint32_t> order_of(const Trace& trace, OrderBasis basis,
                                   std::vector<uint32_t>& scratch) {
  if (!in_order(trace, basis)) {
    scratch = ordered(trace, basis);
    return scratch;
  }
  scratch.resize(trace.events.size());
  std::iota(scratch.begin(), scratch.end(), 0);
  return scratch;
}

std::span<const ActivityId> steps_of(const Trace& trace, OrderBasis basis,
                                     std::vector<ActivityId>& scratch) {
  scratch.resize(trace.events.size());
  put_steps(trace, basis, scratch.data());
  return scratch;
}

Sequences sequences_of(const EventLog& log, OrderBasis basis) {
  Sequences out;
  out.activities = log.activities.size();
  out.steps.resize(log.event_count());
  out.begins.reserve(log.traces.size() + 1);
  ActivityId* to = out.steps.data();
  for (const Trace& trace : log.traces) {
    out.begins.push_back(static_cast<size_t>(to - out.steps.data()));
    put_steps(trace, basis, to);
    to += trace.events.size();
  }
  out.begins.push_back(out.steps.size());
  return out;
}

std::vector<uint32_t> name_ranks(const std::vector<std::string>& activities) {
  std::vector<uint32_t> by_name(activities.size()), rank(activities.size());
  std::iota(by_name.begin(), by_name.end(), 0);
  std::ranges::sort(by_name, {}, [&](uint32_t id) -> const std::string& { return activities[id]; });
  for (uint32_t i = 0; i < by_name.size(); ++i) rank[by_name[i]] = i;
  return rank;
}

}  // namespace casebox::analytics::discovery
