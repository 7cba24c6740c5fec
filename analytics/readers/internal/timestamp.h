#pragma once

// Times as files write them: ISO 8601 with T or a space, fractions to the nanosecond, offset or Z
// or nothing (taken as UTC); slashed dates whose order the caller states; plain numbers of seconds.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

namespace casebox::analytics::readers::internal {

struct Stamp {
  int64_t utc_ns = 0;
  int64_t local_ns = 0;  // as written, without the offset: shows how far it was truncated
  bool zoned = false;
};

/// "2011-10-11T13:45:40.276+02:00", "2011-10-11 13:45", "2011-10-11"; years 1678 to 2261.
std::optional<Stamp> parse_iso(std::string_view text);

enum class DateOrder { kUnknown, kDayFirst, kMonthFirst };

/// "10/11/2018 23:00:55", also with . or - between; needs a known order.
std::optional<Stamp> parse_slashed(std::string_view text, DateOrder order);
/// The first two numbers of such a date; nullopt if it is not one.
std::optional<std::pair<int, int>> slashed_parts(std::string_view text);

/// "12.5", seconds.
std::optional<int64_t> parse_seconds(std::string_view text);

/// ISO 8601 in UTC with nanoseconds: what the writer writes.
std::string format_utc(int64_t utc_ns);

}  // namespace casebox::analytics::readers::internal
