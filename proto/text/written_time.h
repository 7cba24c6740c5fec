#pragma once

// Times as people and programs write them.
//
//   dates    2011-10-11, 2014/10/22, 2014.10.22 (year first); 10/11/2018, 10.11.2018, 10-11-2018
//            (day or month first: the caller states which); 22-Oct-2014, Oct 22, 2014
//   times    13:45, 13:45:40, 13:45:40.276, 1:45:40 PM; a comma may stand for the point
//   zones    Z, UTC, GMT, +02:00, +0200, +02; without one the caller decides
//   numbers  of seconds
//
// Years 1678 to 2261, which 64 bits of nanoseconds hold.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace casebox::text {

struct Stamp {
  int64_t utc_ns = 0;
  int64_t local_ns = 0;  // as written, without the offset: shows how far it was truncated
  bool zoned = false;
  int64_t grain_ns = 0;  // of the last place written: a day, a minute, a second or its fraction
};

/// A date with its year first, or with the month's English name, and perhaps a time.
std::optional<Stamp> parse_iso(std::string_view text);

enum class DateOrder { kUnknown, kDayFirst, kMonthFirst };

/// "10/11/2018 23:00:55", also with . or - between; needs a known order.
std::optional<Stamp> parse_slashed(std::string_view text, DateOrder order);
/// The first two numbers of such a date; nullopt if it is not one.
std::optional<std::pair<int, int>> slashed_parts(std::string_view text);

/// A time without a date, "10:15" or "27:00:01.5": since midnight or since a beginning. Hours may
/// exceed a day; `utc_ns` counts from zero.
std::optional<Stamp> parse_clock(std::string_view text);

/// "12.5", seconds.
std::optional<int64_t> parse_seconds(std::string_view text);

/// What a column of numbers counts that tells no unit, by how large they are: ns of one unit for
/// s, ms, us or ns since 1970 (dates of 1990 to 2099); 0: from no beginning that can be told.
int64_t unix_unit(double least, double most);

/// Days since 1899-12-30, as spreadsheets keep dates, in ns since 1970.
int64_t from_serial_day(double days);
/// Whether the number may be such a day: 1954 to 2119.
bool may_be_serial_day(double value);
/// Whether it lies on a whole second but for the rounding of its `decimals` places. Of six places,
/// one number in eleven does by chance; of fewer it must be exact.
bool on_a_second(double days, int decimals);

/// "Z", "UTC", "+02:00", "-0530", as ns to subtract from a clock time; nullopt if it is no offset.
std::optional<int64_t> parse_zone(std::string_view text);

/// ISO 8601 in UTC with nanoseconds: what the writer writes.
std::string format_utc(int64_t utc_ns);

}  // namespace casebox::text
