#pragma once

// Times. Nanoseconds in int64, one type per clock: adding a wall time to a case time does not
// compile. Never ordered by wall clock, never held in a double except in output. Sums saturate:
// times come from files and from a bus that may say anything, and an overflow of theirs would be
// undefined.
//
// Thread safety: plain values; a Clock says its own.

#include <compare>
#include <cstdint>

namespace casebox {

namespace saturating {
constexpr int64_t add(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return b < 0 ? INT64_MIN : INT64_MAX;
  return out;
}
constexpr int64_t subtract(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_sub_overflow(a, b, &out)) return b > 0 ? INT64_MIN : INT64_MAX;
  return out;
}
constexpr int64_t multiply(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
  return out;
}
}  // namespace saturating

/// A length of time, ns.
struct Duration {
  int64_t ns = 0;
  auto operator<=>(const Duration&) const = default;
  double seconds() const { return static_cast<double>(ns) * 1e-9; }
};

constexpr Duration nanoseconds(int64_t n) { return {n}; }
constexpr Duration microseconds(int64_t n) { return {n * 1'000}; }
constexpr Duration milliseconds(int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(int64_t n) { return {n * 1'000'000'000}; }
/// Rounds to the nearest nanosecond; saturates, and what is not a number is 0. Of seconds from
/// outside, checked_seconds (proto/base/seconds.h) tells whether they are a time at all.
constexpr Duration from_seconds(double s) {
  const double ns = s * 1e9 + (s < 0 ? -0.5 : 0.5);
  if (ns != ns) return {0};
  if (ns >= 9223372036854775808.0) return {INT64_MAX};
  if (ns <= -9223372036854775808.0) return {INT64_MIN};
  return {static_cast<int64_t>(ns)};
}

constexpr Duration operator+(Duration a, Duration b) { return {saturating::add(a.ns, b.ns)}; }
constexpr Duration operator-(Duration a, Duration b) { return {saturating::subtract(a.ns, b.ns)}; }
constexpr Duration operator*(Duration a, int64_t n) { return {saturating::multiply(a.ns, n)}; }

/// A point on the clock that Tag names, ns.
template <typename Tag>
struct TimePoint {
  int64_t ns = 0;
  auto operator<=>(const TimePoint&) const = default;
  double seconds() const { return static_cast<double>(ns) * 1e-9; }
  friend constexpr TimePoint operator+(TimePoint t, Duration d) {
    return {saturating::add(t.ns, d.ns)};
  }
  friend constexpr TimePoint operator-(TimePoint t, Duration d) {
    return {saturating::subtract(t.ns, d.ns)};
  }
  friend constexpr Duration operator-(TimePoint a, TimePoint b) {
    return {saturating::subtract(a.ns, b.ns)};
  }
};

/// Case time: zero is where the recorder began the case.
using CaseTime = TimePoint<struct CaseTimeTag>;
/// CLOCK_MONOTONIC of one boot.
using MonoTime = TimePoint<struct MonoTimeTag>;
/// UTC since 1970, leap seconds as POSIX has them.
using UtcTime = TimePoint<struct UtcTimeTag>;

/// Where time comes from; libraries take one and read no clock of their own.
/// Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() = 0;
  virtual UtcTime utc() = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  MonoTime mono() override;
  UtcTime utc() override;
};

/// A clock that stands still until told: imports, simulation, tests. Not safe across threads.
class ManualClock final : public Clock {
 public:
  ManualClock(MonoTime mono, UtcTime utc) : mono_(mono), utc_(utc) {}
  MonoTime mono() override { return mono_; }
  UtcTime utc() override { return utc_; }
  void advance(Duration d) {
    mono_ = mono_ + d;
    utc_ = utc_ + d;
  }
  void set_mono(MonoTime t) { mono_ = t; }
  void set_utc(UtcTime t) { utc_ = t; }

 private:
  MonoTime mono_;
  UtcTime utc_;
};

}  // namespace casebox
