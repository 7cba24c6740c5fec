#pragma once

// Small logs for these tests: "a b c" is one case of three moments, a minute apart.

#include <rapidcheck.h>

#include <sstream>

#include "analytics/event_log.h"

namespace casebox::analytics::discovery {

inline constexpr int64_t kTestMinute = 60'000'000'000;

inline LogEvent& add_event(EventLog& log, Trace& trace, const std::string& activity, int64_t t0_ns,
                           int64_t t1_ns) {
  LogEvent event;
  event.activity = log.intern(activity);
  event.t0_ns = t0_ns;
  event.t1_ns = t1_ns;
  event.source_order = static_cast<uint32_t>(trace.events.size());
  trace.events.push_back(event);
  return trace.events.back();
}

inline EventLog log_of(const std::vector<std::string>& cases) {
  EventLog log;
  for (const std::string& text : cases) {
    Trace& trace = log.traces.emplace_back();
    trace.case_key = "case " + std::to_string(log.traces.size());
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      const auto at = static_cast<int64_t>(trace.events.size()) * kTestMinute;
      add_event(log, trace, word, at, at);
    }
  }
  return log;
}

/// Cases of intervals with ties, overlaps and repeats; times are not in the source's order.
inline EventLog any_log(int most_cases = 8, int most_events = 14) {
  EventLog log;
  for (const char* name : {"d", "b", "a", "c", "e"}) log.intern(name);
  const int cases = *rc::gen::inRange(0, most_cases);
  for (int c = 0; c < cases; ++c) {
    Trace& trace = log.traces.emplace_back();
    trace.case_key = "case " + std::to_string(c);
    const int events = *rc::gen::inRange(0, most_events);
    for (int i = 0; i < events; ++i) {
      const int64_t t0 = *rc::gen::inRange(0, 20) * kTestMinute;
      const int64_t t1 = t0 + *rc::gen::inRange(0, 4) * kTestMinute;
      const auto which = *rc::gen::inRange<uint32_t>(0, 5);
      add_event(log, trace, log.activities[which], t0, t1);
    }
  }
  return log;
}

}  // namespace casebox::analytics::discovery
