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

/// Calls `sink` with pieces of the document in order. `of_each_trace`: string attributes, key and
/// value, that every trace gets.
void write_xes(const EventLog& log, const std::function<void(std::string_view)>& sink,
               const std::map<std::string, std::string>& of_each_trace = {});

}  // namespace casebox::analytics::readers
