#include "analytics/conformance/internal/sentences.h"

#include <cstdio>

namespace casebox::analytics::conformance::internal {
namespace {

template <typename... Values>
std::string print(const char* format, Values... values) {
  char buffer[96];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return out;
}

std::string between(int64_t t0, int64_t t1);

/// Of a missing step only what was not seen, by what.
std::string missing(const Departure& d, const Details& details) {
  const std::string where = d.timed ? "; it belongs " + between(d.t0_ns, d.t1_ns) : "";
  if (d.kind == Kind::kUnobserved) {
    std::string out = " was not seen, but was not watched all the time it could have been done";
    if (d.timed) out += " (" + between(d.t0_ns, d.t1_ns) + ")";
    return d.unwatched.empty() ? out : out + ": " + d.unwatched;
  }
  if (d.done_unseen && details.by_detect)
    return " was not found" + where +
           print("; it is found in %.0f %% of the times it is done", details.detect * 100);
  if (d.done_unseen)
    return " was not found" + where +
           print("; what was recorded leaves a probability of %.*f %% that it was done",
                 *d.done_unseen < .001 ? 3
                 : *d.done_unseen < .1 ? 1
                                       : 0,
                 *d.done_unseen * 100);
  const std::string watched = joined(d.observers) + ", recorded all that time";
  switch (d.shown_by) {
    case ShownBy::kLog: return " is not in the log" + where;
    case ShownBy::kPeople: return " was not marked" + where + "; marks are in " + watched;
    case ShownBy::kDevices: return " left no trace" + where + "; it would show in " + watched;
    case ShownBy::kBoth: break;
  }
  return " was neither marked nor left a trace" + where + "; it would show in " + watched;
}

std::string between(int64_t t0, int64_t t1) {
  return "between " + clock_text(t0) + " and " + clock_text(t1);
}

}  // namespace

std::string duration_text(int64_t ns) {
  const int64_t tenths = (ns < 0 ? -ns : ns) / 100'000'000;
  const auto s = static_cast<long long>(tenths / 10);
  const std::string sign = ns < 0 ? "-" : "";
  if (ns > -100'000'000 && ns < 100'000'000)
    return print("%.3g ms", static_cast<double>(ns) * 1e-6);
  if (s < 60) return sign + print("%lld.%lld s", s, static_cast<long long>(tenths % 10));
  if (s < 3600) return sign + print("%lld min %02lld s", s / 60, s % 60);
  if (s < 86400) return sign + print("%lld h %02lld min", s / 3600, s / 60 % 60);
  return sign + print("%lld d %02lld h", s / 86400, s / 3600 % 24);
}

std::string clock_text(int64_t ns) {
  const auto s = static_cast<long long>((ns < 0 ? -ns : ns) / 1'000'000'000);
  const std::string sign = ns < 0 ? "-" : "";
  if (s >= 86400)
    return sign +
           print("day %lld %lld:%02lld:%02lld", s / 86400, s / 3600 % 24, s / 60 % 60, s % 60);
  return sign + print("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

std::string sentence(const Departure& d, const Details& details) {
  std::string out = d.title;
  switch (d.deviation) {
    case Kind::kMissing: out += missing(d, details); break;
    case Kind::kExtra:
      out += " was done";
      if (d.timed) out += " at " + clock_text(d.t0_ns);
      out += "; the norm has no place for it there";
      break;
    case Kind::kOrder:
      out += " was done";
      if (d.timed) out += " at " + clock_text(d.t0_ns);
      out += " instead of in its place";
      if (d.timed && details.expected)
        out += " " + between(details.expected_t0_ns, details.expected_t1_ns);
      break;
    default: {
      const std::string took = duration_text(details.took_ns);
      const std::string limit = duration_text(details.limit_ns);
      if (!details.after.empty())
        out += " began " + took + " after " + details.after + ", " + duration_text(d.excess_ns) +
               " later than the limit of " + limit;
      else if (d.excess_ns < 0)
        out += " took " + took + ", less than the " + limit + " it should take";
      else
        out +=
            " took " + took + ", " + duration_text(d.excess_ns) + " beyond its limit of " + limit;
    }
  }
  if (d.kind == Kind::kJustified) out += "; recorded reason: " + d.reason;
  return out + ".";
}

}  // namespace casebox::analytics::conformance::internal
