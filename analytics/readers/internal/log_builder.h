#pragma once

// Makes an event log of what a file says, event by event: pairs start and complete records, finds
// how far times were truncated, counts what was dropped or repaired and says so once.
//
// Thread safety: one thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytics/event_log.h"
#include "analytics/readers/xes_reader.h"
#include "proto/base/result.h"
#include "proto/text/written_time.h"

namespace casebox::analytics::readers::internal {

using text::Stamp;

/// An event as written.
struct RawEvent {
  std::string activity;
  std::optional<Stamp> start;
  std::optional<Stamp> end;  // or the only time
  std::string lifecycle;     // "start", "complete" or words for them, "" or another transition
  std::string instance;
  std::string resource;
  std::optional<int64_t> u95_ns, u95_start_ns, u95_end_ns;
  std::optional<int64_t> t0_ns, t1_ns;  // exact case times, of our own files
  std::optional<EventOrigin> origin;
  double confidence = 0;
  bool open = false;
  bool bad_time = false;  // there was one, and it could not be read
  bool beside = false;    // of our own files: stands beside the pathway, no part of it

  void clear() { *this = RawEvent(); }
};

class LogBuilder {
 public:
  /// Times are case time already, not wall time. Before the first trace.
  void set_relative(bool relative) { relative_ = relative; }

  void begin_trace();
  void name_trace(const std::string& name) { name_ = name; }
  /// The trace's wall times are made up: only case times count.
  void no_wall_time() { wall_known_ = false; }
  void add(const RawEvent& event);
  void end_trace();
  /// Counts what was left out: "12 events without an activity were dropped".
  void count(const std::string& what, uint64_t n = 1) { counts_[what] += n; }
  void notice(const std::string& text) { log_.notices.push_back(text); }

  size_t activities() const { return log_.activities.size(); }
  uint64_t events() const { return events_; }
  /// Of each trace the activities of which a file has events, and none says start or complete.
  const Planned& planned() const { return planned_; }
  EventLog finish();

 private:
  struct Open {
    size_t event;
    std::string instance;
  };
  void see(const Stamp& stamp);
  bool pair(const RawEvent& event, ActivityId activity);

  EventLog log_;
  bool relative_ = false;
  Trace trace_;
  std::set<std::string> dropped_;  // activities of its events that were
  Planned planned_;
  std::string name_;
  std::unordered_map<ActivityId, std::vector<Open>> open_;
  std::unordered_map<std::string, uint32_t> names_;
  std::map<std::string, uint64_t> counts_;
  bool stated_u95_ = false;
  bool exact_ = false;  // the trace has case times of our own
  bool wall_known_ = true;
  uint64_t events_ = 0;
  uint64_t stamps_ = 0;
  uint64_t unzoned_ = 0;
  uint64_t coarse_[4] = {};  // times that are whole seconds, minutes, hours, days
};

}  // namespace casebox::analytics::readers::internal
