#include "proto/text/written_time.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>

namespace casebox::text {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// Days since 1970 of a civil date (Howard Hinnant's algorithm).
int64_t days_from_civil(int64_t y, int m, int d) {
  y -= m <= 2;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t yoe = y - era * 400;
  const int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c || done()) return false;
    ++at_;
    return true;
  }
  void spaces() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  char lower() const {
    const char c = peek();
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  void skip() { at_ += done() ? 0 : 1; }
  /// Takes a word whatever its case; nothing if it is another.
  bool word(std::string_view lower_case) {
    if (text_.size() - at_ < lower_case.size()) return false;
    Cursor ahead = *this;
    for (char c : lower_case) {
      if (ahead.lower() != c) return false;
      ahead.skip();
    }
    *this = ahead;
    return true;
  }
  // Between `least` and `most` digits.
  std::optional<int> digits(size_t least, size_t most) {
    int value = 0;
    size_t n = 0;
    while (n < most && peek() >= '0' && peek() <= '9') {
      value = value * 10 + (peek() - '0');
      ++at_;
      ++n;
    }
    if (n < least) return std::nullopt;
    return value;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

int days_in(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

/// "10:15", "10:15:40.276", "1:05 PM" into `out`; false if it is no time of day.
bool clock(Cursor& in, int most_hours, Stamp& out) {
  const auto hour = in.digits(1, most_hours > 99 ? 5 : 2);
  if (!hour || !in.take(':')) return false;
  const auto minute = in.digits(2, 2);
  if (!minute || *minute > 59) return false;
  int64_t ns = 0, hours = *hour;
  int second = 0;
  out.grain_ns = 60 * kSecond;
  if (in.take(':')) {
    const auto s = in.digits(2, 2);
    if (!s || *s > 60) return false;
    second = *s;
    out.grain_ns = kSecond;
    if (in.take('.') || in.take(',')) {
      int64_t scale = kSecond / 10;
      if (in.peek() < '0' || in.peek() > '9') return false;
      for (; in.peek() >= '0' && in.peek() <= '9'; scale /= 10) {
        ns += scale * *in.digits(1, 1);
        out.grain_ns = std::max<int64_t>(scale, 1);
      }
    }
  }
  in.spaces();
  const char half = in.lower();
  if (half == 'a' || half == 'p') {
    in.skip();
    in.take('.');
    if (in.lower() != 'm' || hours < 1 || hours > 12) return false;
    in.skip();
    in.take('.');
    hours = hours % 12 + (half == 'p' ? 12 : 0);
  }
  if (hours > most_hours || (hours == 24 && most_hours == 24 && (*minute > 0 || second > 0)))
    return false;
  out.local_ns += ((hours * 60 + *minute) * 60 + second) * kSecond + ns;
  return true;
}

/// An offset from UTC as ns to subtract from the local time; nothing is read if there is none.
bool zone(Cursor& in, std::optional<int64_t>& offset) {
  if (in.word("utc") || in.word("gmt") || in.take('Z') || in.take('z')) {
    offset = 0;
    if (in.peek() != '+' && in.peek() != '-') return true;
  } else if (in.peek() != '+' && in.peek() != '-') {
    return true;
  }
  const bool west = in.take('-');
  if (!west) in.take('+');
  const auto hours = in.digits(2, 2);
  in.take(':');
  const auto minutes = in.digits(0, 2);
  if (!hours || *hours > 23 || !minutes || *minutes > 59) return false;
  offset = (*hours * 60LL + *minutes) * 60 * kSecond * (west ? -1 : 1);
  return true;
}

// What follows a date: nothing, or a time of day and an offset.
std::optional<Stamp> rest(Cursor& in, int year, int month, int day) {
  if (year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 ||
      day > days_in(year, month))
    return std::nullopt;
  Stamp out;
  out.local_ns = days_from_civil(year, month, day) * 86400 * kSecond;
  out.grain_ns = 86400 * kSecond;
  in.take(',');
  in.spaces();
  if ((in.take('T') || (in.peek() >= '0' && in.peek() <= '9')) && !clock(in, 24, out))
    return std::nullopt;
  in.spaces();
  std::optional<int64_t> offset;
  if (!zone(in, offset)) return std::nullopt;
  in.spaces();
  if (!in.done()) return std::nullopt;
  out.zoned = offset.has_value();
  out.utc_ns = out.local_ns - offset.value_or(0);
  return out;
}

constexpr const char* kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                   "jul", "aug", "sep", "oct", "nov", "dec"};

/// The English name of a month, whole or its first three letters.
int month_name(Cursor& in) {
  static constexpr const char* kRest[] = {"uary", "ruary", "ch",     "il",   "",      "e",
                                          "y",    "ust",   "tember", "ober", "ember", "ember"};
  for (int m = 0; m < 12; ++m)
    if (in.word(kMonths[m])) {
      in.word(kRest[m]);
      return m + 1;
    }
  return 0;
}

/// "22-Oct-2014", "22 October 2014", "Oct 22, 2014", and what follows.
std::optional<Stamp> named_month(Cursor in) {
  auto day = in.digits(1, 2);
  if (day && !in.take('-')) in.spaces();
  const int month = month_name(in);
  if (month == 0) return std::nullopt;
  if (!in.take('-')) in.spaces();
  if (!day) {
    day = in.digits(1, 2);
    in.take(',');
    in.spaces();
  }
  const auto year = in.digits(4, 4);
  if (!day || !year) return std::nullopt;
  return rest(in, *year, month, *day);
}

struct Slashed {
  int a, b, year;
};

std::optional<Slashed> slashed(Cursor& in) {
  in.spaces();
  const auto a = in.digits(1, 2);
  const char between = in.peek();
  if (!a || (between != '/' && between != '.' && between != '-')) return std::nullopt;
  in.take(between);
  const auto b = in.digits(1, 2);
  if (!b || !in.take(between)) return std::nullopt;
  const auto year = in.digits(4, 4);
  if (!year) return std::nullopt;
  return Slashed{*a, *b, *year};
}

}  // namespace

std::optional<Stamp> parse_iso(std::string_view text) {
  Cursor in(text);
  in.spaces();
  if (auto named = named_month(in)) return named;
  const auto year = in.digits(4, 4);
  const char between = in.peek();
  if (!year || (between != '-' && between != '/' && between != '.')) return std::nullopt;
  in.take(between);
  const auto month = in.digits(1, 2);
  if (!month || !in.take(between)) return std::nullopt;
  const auto day = in.digits(1, 2);
  if (!day) return std::nullopt;
  return rest(in, *year, *month, *day);
}

std::optional<Stamp> parse_slashed(std::string_view text, DateOrder order) {
  Cursor in(text);
  const auto date = slashed(in);
  if (!date || order == DateOrder::kUnknown) return std::nullopt;
  const bool month_first = order == DateOrder::kMonthFirst;
  return rest(in, date->year, month_first ? date->a : date->b, month_first ? date->b : date->a);
}

std::optional<std::pair<int, int>> slashed_parts(std::string_view text) {
  Cursor in(text);
  const auto date = slashed(in);
  if (!date) return std::nullopt;
  return std::pair{date->a, date->b};
}

std::optional<Stamp> parse_clock(std::string_view text) {
  Cursor in(text);
  in.spaces();
  Stamp out;
  if (!clock(in, 99'999, out)) return std::nullopt;
  in.spaces();
  if (!in.done()) return std::nullopt;
  out.utc_ns = out.local_ns;
  return out;
}

int64_t unix_unit(double least, double most) {
  constexpr double kFrom = 631'152'000, kTo = 4'102'444'800;  // 1990, 2100
  for (int64_t unit = kSecond; unit >= 1; unit /= 1000) {
    const double per_second = 1e9 / static_cast<double>(unit);
    if (least >= kFrom * per_second && most < kTo * per_second) return unit;
  }
  return 0;
}

int64_t from_serial_day(double days) {
  constexpr int64_t kDaysTo1970 = 25'569;
  const double whole = std::floor(days);
  return (static_cast<int64_t>(whole) - kDaysTo1970) * 86400 * kSecond +
         std::llround((days - whole) * 86400e9);
}

bool may_be_serial_day(double value) { return value >= 20'000 && value < 80'000; }

bool on_a_second(double days, int decimals) {
  const double second = (days - std::floor(days)) * 86400;
  const double rounded = decimals < 6 ? 1e-3 : 0.51 * 86400 * std::pow(10, -decimals) + 2e-6;
  return std::abs(second - std::round(second)) <= rounded;
}

std::optional<int64_t> parse_zone(std::string_view text) {
  Cursor in(text);
  std::optional<int64_t> offset;
  if (!zone(in, offset) || !in.done()) return std::nullopt;
  return offset;
}

std::optional<int64_t> parse_seconds(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size() ||
      !(std::fabs(value) < 4e9))
    return std::nullopt;
  return std::llround(value * 1e9);
}

std::string format_utc(int64_t utc_ns) {
  int64_t seconds = utc_ns / kSecond, ns = utc_ns % kSecond;
  if (ns < 0) {
    ns += kSecond;
    --seconds;
  }
  int64_t days = seconds / 86400, rest_s = seconds % 86400;
  if (rest_s < 0) {
    rest_s += 86400;
    --days;
  }
  const int64_t z = days + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const int64_t doe = z - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const int64_t year = yoe + era * 400 + (month <= 2);
  char out[96];
  std::snprintf(out, sizeof out, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%09lld+00:00",
                static_cast<long long>(year), static_cast<long long>(month),
                static_cast<long long>(day), static_cast<long long>(rest_s / 3600),
                static_cast<long long>(rest_s / 60 % 60), static_cast<long long>(rest_s % 60),
                static_cast<long long>(ns));
  return out;
}

}  // namespace casebox::text
