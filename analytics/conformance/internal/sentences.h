#pragma once

// Departures in words: one sentence each, for a surgeon.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>

#include "analytics/conformance/conform.h"

namespace casebox::analytics::conformance::internal {

/// "4 min 10 s", "12.5 s", "1 h 02 min"; as precise as it needs to be.
std::string duration_text(int64_t ns);
/// Case time: "0:12:03".
std::string clock_text(int64_t ns);

/// What a sentence needs beyond the departure.
struct Details {
  bool expected = false;  // an order departure's place is known:
  int64_t expected_t0_ns = 0;
  int64_t expected_t1_ns = 0;
  int64_t limit_ns = 0;  // of a time departure
  int64_t took_ns = 0;
  std::string after;       // `within`: title of the step it should have followed soon
  double detect = 1;       // probability that the step is seen when done
  bool by_detect = false;  // `done_unseen` comes from that alone
};
std::string sentence(const Departure& departure, const Details& details);

}  // namespace casebox::analytics::conformance::internal
