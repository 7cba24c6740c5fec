#pragma once

// Rules of a norm beside its flow: existence, precedence, ... on the order of events, and time
// limits.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "analytics/conformance/internal/case_view.h"

namespace casebox::analytics::conformance::internal {

/// A rule broken. `event` is set unless the step is missing.
struct Broken {
  Kind deviation;
  uint32_t step;
  std::optional<uint32_t> event;
  int check;  // index into the norm's checks
  bool operator==(const Broken&) const = default;
};

/// Rules about order, on occurrences in the order given.
std::vector<Broken> broken_rules(const protocol::Norm& norm,
                                 const std::vector<Occurrence>& occurrences);

/// A time limit exceeded beyond the clocks' uncertainty.
struct Overrun {
  uint32_t step;
  uint32_t event;
  int check;
  int64_t t0_ns;      // from the limit ...
  int64_t t1_ns;      // ... to what exceeded it
  int64_t excess_ns;  // negative: too short by so much
  int64_t limit_ns;
  int64_t took_ns;
  std::optional<uint32_t> after;  // `within`: the step before
};

/// Limits, times `scale`. What cannot be claimed, and why, goes to `notices`.
std::vector<Overrun> overruns(const protocol::Norm& norm, const CaseView& view, double scale,
                              bool clocks_trusted, std::vector<std::string>& notices);

/// Name of a check for people: its id, else its place.
std::string check_name(const protocol::Norm& norm, int check);

}  // namespace casebox::analytics::conformance::internal
