#pragma once

// XES logs (IEEE 1849), plain or gzip, in one pass: memory holds the event log, never the file.
//
// Taken: concept:name, time:timestamp, start_timestamp, lifecycle:transition (start and complete
// are paired), concept:instance, org:resource, and the casebox:* attributes of our own files;
// events that those say stand beside the pathway are left out, and counted in a notice. Other
// attributes are left in the file and named in a notice.
//
// Thread safety: free functions.
// Errors: kInvalidArgument `<file>:<line>: <what>; <what to do>` for what is not XES, for entity
// declarations, nesting beyond 256 levels, a tag or text beyond 4 MiB, and files beyond the limits.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/event_log.h"
#include "proto/base/result.h"

namespace casebox::analytics::readers {

struct Limits {
  uint64_t max_bytes = uint64_t{16} << 30;  // unpacked
  uint64_t max_events = 200'000'000;
  uint32_t max_activities = 1'000'000;
};

/// The trace attribute in which our own files say what was watched of a case
/// (analytics/conformance/recorded_text.h).
inline constexpr const char* kRecordedKey = "casebox:recorded";

/// Of traces, by their place in the log, the activities of which a file has events, and none that
/// says start or complete: whether they were done it does not tell. Traces that have none are not
/// in it.
using Planned = std::map<size_t, std::vector<std::string>>;

/// `recorded` gets that attribute's value for each trace, empty where there is none.
Result<EventLog> read_xes(const std::filesystem::path& path, const Limits& limits = {},
                          std::vector<std::string>* recorded = nullptr, Planned* planned = nullptr);
/// From memory; `name` stands for it in messages.
Result<EventLog> read_xes_text(std::string_view text, const std::string& name,
                               const Limits& limits = {},
                               std::vector<std::string>* recorded = nullptr);

}  // namespace casebox::analytics::readers
