#include "proto/base/time.h"

#include <ctime>

namespace casebox {
namespace {

int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

MonoTime SystemClock::mono() { return {read_clock(CLOCK_MONOTONIC)}; }
UtcTime SystemClock::utc() { return {read_clock(CLOCK_REALTIME)}; }

}  // namespace casebox
