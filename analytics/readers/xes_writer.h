#pragma once

// An event log as XES that other tools open: concept, time, lifecycle and organizational
// extensions; an interval is one event with start_timestamp and time:timestamp. What XES has no
// word for (exact case times, uncertainty, origin, confidence, open intervals) stands in casebox:*
// attributes, so reading the file again gives the same log. Of a case whose date nobody knows the
// exact case times are the only ones.
//
// Thread safety: free functions. Errors: none; characters XML cannot hold become U+FFFD.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "analytics/event_log.h"

namespace casebox::analytics::readers {

/// What a file gets beside the log.
struct XesExtras {
  std::map<std::string, std::string> of_each_trace;  // string attributes, key and value
  /// Events, by their place in each trace, that stand beside the pathway (an alarm, a checklist):
  /// other programs see them as events, and readers of ours leave them out. The text says what.
  std::map<size_t, std::string> beside;
};

/// Calls `sink` with pieces of the document in order.
void write_xes(const EventLog& log, const std::function<void(std::string_view)>& sink,
               const XesExtras& extras = {});

}  // namespace casebox::analytics::readers
