#pragma once

// The event log that every analysis reads: intervals of activities, per case, each with the frames
// it was read from. Activities are interned; times are case time in ns.
//
// Thread safety: a finished log is immutable and may be shared.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "casebox/v1/finding.pb.h"
#include "proto/base/ids.h"

namespace casebox::analytics {

using ActivityId = uint32_t;

/// Which end of an interval orders it.
enum class OrderBasis { kStart, kEnd, kSource };
const char* to_string(OrderBasis basis);

enum class EventOrigin : uint8_t { kHuman, kDevice, kAlgorithm, kDerived };

/// One interval event.
struct LogEvent {
  ActivityId activity = 0;
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;                           // t1 == t0: a moment
  int64_t u95_ns = 0;                          // of both ends; negative: no bound is known
  int64_t u95_start_ns = -1, u95_end_ns = -1;  // of one end where that is less; negative: u95_ns
  uint32_t source_order = 0;                   // position in the source; breaks ties
  EventOrigin origin = EventOrigin::kHuman;
  bool open = false;     // never ended; t1 is where the case ended
  bool timed = true;     // false: only its order is known
  float confidence = 0;  // 0 = not stated
  std::string resource;
  std::vector<v1::SourceRange> sources;

  int64_t start_u95_ns() const { return u95_start_ns >= 0 ? u95_start_ns : u95_ns; }
  int64_t end_u95_ns() const { return u95_end_ns >= 0 ? u95_end_ns : u95_ns; }
};

/// One case's events in source order.
struct Trace {
  std::string case_key;  // case id, or the name a file gives
  std::vector<LogEvent> events;
  std::vector<std::string> notices;
  std::optional<int64_t> wall_start_ns;  // UTC of case time zero, if the source says
};

struct EventLog {
  std::vector<std::string> activities;  // by ActivityId
  std::vector<Trace> traces;
  std::vector<std::string> notices;  // what was dropped or repaired while reading

  ActivityId intern(const std::string& name);
  size_t event_count() const;

 private:
  std::unordered_map<std::string, ActivityId> ids_;
};

/// Indices of a trace's events in the order of `basis`; ties by source order.
std::vector<uint32_t> ordered(const Trace& trace, OrderBasis basis);

}  // namespace casebox::analytics
