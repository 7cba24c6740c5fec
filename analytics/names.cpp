#include "analytics/names.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace casebox::analytics {
namespace {

/// "STREAM_KIND_TWIN_EVENT" without the longest known prefix, lower-case.
std::string code(const std::string& name, const std::string& prefix, int number) {
  if (name.empty()) return std::to_string(number);
  std::string out = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string decimal_text(double value, std::chars_format format, int precision) {
  char buffer[512];
  auto [end, ec] = precision < 0
                       ? std::to_chars(buffer, buffer + sizeof buffer, value)
                       : std::to_chars(buffer, buffer + sizeof buffer, value, format, precision);
  return ec == std::errc() ? std::string(buffer, end) : std::string("?");
}

}  // namespace

std::string name_of(v1::StreamKind v) { return code(v1::StreamKind_Name(v), "STREAM_KIND_", v); }
std::string name_of(v1::CaseState v) { return code(v1::CaseState_Name(v), "CASE_STATE_", v); }
std::string name_of(v1::ProducerRole v) {
  return code(v1::ProducerRole_Name(v), "PRODUCER_ROLE_", v);
}
std::string name_of(v1::Gap::Origin v) { return code(v1::Gap::Origin_Name(v), "ORIGIN_", v); }
std::string name_of(v1::Certainty v) { return code(v1::Certainty_Name(v), "CERTAINTY_", v); }
std::string name_of(v1::Interval::Level v) {
  return code(v1::Interval::Level_Name(v), "LEVEL_", v);
}
std::string name_of(v1::Interval::Origin v) {
  return code(v1::Interval::Origin_Name(v), "ORIGIN_", v);
}
std::string name_of(v1::ConsentScope v) {
  return code(v1::ConsentScope_Name(v), "CONSENT_SCOPE_", v);
}
std::string name_of(v1::Alarm::Priority v) {
  return code(v1::Alarm::Priority_Name(v), "PRIORITY_", v);
}
std::string name_of(v1::Alarm::Kind v) { return code(v1::Alarm::Kind_Name(v), "KIND_", v); }

std::string dashed(std::string code) {
  std::ranges::replace(code, '_', '-');
  return code;
}

std::vector<v1::ConsentScope> scopes_in_force(const access::Consent& consent) {
  std::vector<v1::ConsentScope> out;
  for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i)
    if (consent.granted.contains(static_cast<access::Scope>(i)))
      out.push_back(static_cast<v1::ConsentScope>(i));
  return out;
}

Result<v1::ConsentScope> scope_from(const std::string& name) {
  std::string code = name;
  std::replace(code.begin(), code.end(), '-', '_');
  std::string known;
  for (int i = v1::ConsentScope_MIN + 1; i <= v1::ConsentScope_MAX; ++i) {
    const auto scope = static_cast<v1::ConsentScope>(i);
    if (name_of(scope) == code) return scope;
    known += (known.empty() ? "" : ", ") + name_of(scope);
  }
  return Error{Code::kInvalidArgument,
               "consent scope: '" + name + "' is unknown; scopes are " + known};
}

std::string rfc3339(UtcTime t) {
  if (t.ns == 0) return "";
  using namespace std::chrono;
  const sys_time<std::chrono::nanoseconds> point{std::chrono::nanoseconds{t.ns}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss time{point - day};
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<long long>(time.subseconds().count()));
  return buffer;
}

Result<UtcTime> utc_from(const std::string& text) {
  using namespace std::chrono;
  int y = 0, until = -1;
  unsigned mo = 0, d = 0, h = 0, mi = 0, s = 0;
  const auto whole = [&](const char* form, auto*... into) {
    until = -1;
    std::sscanf(text.c_str(), form, into..., &until);
    return until == static_cast<int>(text.size());
  };
  const bool read = whole("%4d-%2u-%2u%n", &y, &mo, &d) ||
                    whole("%4d-%2u-%2uT%2u:%2uZ%n", &y, &mo, &d, &h, &mi) ||
                    whole("%4d-%2u-%2uT%2u:%2u:%2uZ%n", &y, &mo, &d, &h, &mi, &s);
  const year_month_day date{year{y}, month{mo}, day{d}};
  if (!read || !date.ok() || h > 23 || mi > 59 || s > 59 || y < 1970 || y > 2200)
    return Error{Code::kInvalidArgument,
                 "'" + text + "' is no time; write UTC as 2026-11-24T08:15:00Z"};
  const auto point = sys_days{date} + hours{h} + minutes{mi} + std::chrono::seconds{s};
  return UtcTime{duration_cast<std::chrono::nanoseconds>(point.time_since_epoch()).count()};
}

std::string clock_text(double seconds) {
  const char* sign = seconds < 0 ? "-" : "";
  if (!(std::fabs(seconds) < 1e15)) return "?";
  const auto tenths = static_cast<long long>(std::llround(std::fabs(seconds) * 10));
  const long long whole = tenths / 10;
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%s%lld:%02lld:%02lld.%lld", sign, whole / 3600,
                whole / 60 % 60, whole % 60, tenths % 10);
  return buffer;
}

std::string shortest(double value) { return decimal_text(value, std::chars_format::general, -1); }
std::optional<double> wall_bound_s(uint64_t u95_ns) {
  constexpr uint64_t kUnknown = 86'000ull * 1'000'000'000;  // a kept clock is not off by a day
  if (u95_ns >= kUnknown) return std::nullopt;
  return seconds_of(static_cast<int64_t>(u95_ns));
}

std::string fixed(double value, int decimals) {
  return decimal_text(value, std::chars_format::fixed, decimals);
}

}  // namespace casebox::analytics
