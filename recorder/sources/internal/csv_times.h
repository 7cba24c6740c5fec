#pragma once

// When the rows of a table were: which column tells it, or which two, and how it is written. Dates
// and clock times in any form of proto/text/written_time.h, seconds or another unit from the
// table's beginning, units since 1970, days of a spreadsheet. What the cells do not prove must be
// told (CsvOptions); what was only likely is a notice.
//
// Thread safety: free functions.
// Errors: kInvalidArgument `<file>:<line>: column <n>: <what>; <what to do>`; they quote no cell.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

class CsvTable;
struct CsvColumn;

/// How the times of a table are written where it must be told; empty: found out.
struct CsvOptions {
  std::string time_column;  // name
  std::string time_unit;    // of numbers: a unit of time, or "excel"
  std::string time_format;  // order of dates: "dmy", "mdy", "ymd"
  std::string zone;         // of clock times that tell none
  std::string decimal;

  static CsvOptions of(const v1::SourceConfig& config);
};

/// The columns that tell the time: a column, and one of dates where it holds clock times only.
struct TimeColumns {
  int time = -1;
  int date = -1;
};

struct TableTimes {
  std::vector<int64_t> ns;  // of the rows; since 1970 where `kind` is kUtc or kLocal
  int64_t quantum_ns = 1;   // coarseness of what is written
  Wall::Kind kind = Wall::Kind::kNone;
  std::vector<std::string> notices;
};

/// ns of a unit of time as people write it, "ms", "Minutes"; nullopt if it is none.
std::optional<int64_t> time_unit_ns(const std::string& unit);
/// "hh:mm:ss" and the like.
bool is_clock_unit(std::string_view unit);

Result<TimeColumns> find_time(const std::vector<CsvColumn>& columns, const CsvOptions& options,
                              const std::string& name, std::vector<std::string>& notices);

Result<TableTimes> read_times(const CsvTable& table, const CsvOptions& options,
                              const std::string& name);

}  // namespace casebox::recorder::internal
