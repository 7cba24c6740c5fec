#pragma once

// Event logs as CSV (RFC 4180, also gzip, also ; and tab): one row per event or interval. Columns
// are mapped by name; the usual names of process-mining tools are known.
//
// Slashed dates: day-first or month-first is found when some date can only be one of them, else it
// must be stated: guessing would exchange months silently.
//
// Thread safety: free functions.
// Errors: kInvalidArgument `<file>:<line>: <what>; <what to do>`: a missing column (the ones there
// are listed), a torn quote, an undecidable date, rows with too many fields, files beyond the
// limits.

#include <filesystem>
#include <string>
#include <string_view>

#include "analytics/event_log.h"
#include "analytics/readers/xes_reader.h"
#include "proto/base/result.h"

namespace casebox::analytics::readers {

/// Column names; empty: found by the usual names.
struct CsvMapping {
  std::string case_column;
  std::string activity;
  std::string start;  // optional
  std::string end;    // or the only time
  std::string resource;
  std::string lifecycle;
  std::string date_order;  // "dmy", "mdy"; empty: from the dates themselves
};

Result<EventLog> read_csv(const std::filesystem::path& path, const CsvMapping& mapping = {},
                          const Limits& limits = {}, Planned* planned = nullptr);
Result<EventLog> read_csv_text(std::string_view text, const std::string& name,
                               const CsvMapping& mapping = {}, const Limits& limits = {},
                               Planned* planned = nullptr);

}  // namespace casebox::analytics::readers
