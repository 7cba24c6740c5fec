#pragma once

// The temporal profile of a log: mean and standard deviation of the time from an activity to one
// that comes later in the case, and which times of a case lie far from it (Stertz, Mangler &
// Rinderle-Ma, Temporal conformance checking at runtime based on time-infused process models,
// 2020, arXiv:2008.07262).
//
// A time runs from the end of one event to the start of another that begins no earlier, events in
// order of start, ties by end, then by source. From each event it runs to the next occurrence of
// every later activity (kNext: a repeated step counts once), or to every later event (kAll: the
// definition of other tools). Standard deviations are of the sample (n - 1).
//
// A deviation says that a time is unlike the others, not that anything was wrong. Sums are exact
// integers: results do not depend on the order of cases.
//
// Thread safety: pure functions. Units: seconds. Order of results: pairs by count, most first, ties
// by names; deviations by case and by event, as the log has them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analytics/discovery/timed.h"

namespace casebox::analytics::discovery {

enum class PairRule { kNext, kAll };

/// Times from one activity to another.
struct ProfilePair {
  std::string from;
  std::string to;
  uint64_t n = 0;
  double mean_s = 0;
  std::optional<double> sd_s;  // unset: seen once
};

struct TemporalProfile {
  PairRule rule = PairRule::kNext;
  size_t cases = 0;  // that gave times
  uint64_t times = 0;
  std::vector<ProfilePair> pairs;
  std::vector<Excluded> excluded;
};

TemporalProfile temporal_profile(const EventLog& log, PairRule rule, Withheld withheld = {});

/// A time further from the mean than zeta standard deviations.
struct TimeDeviation {
  size_t trace = 0;
  uint32_t from_event = 0;  // indices into the trace's events
  uint32_t to_event = 0;
  size_t pair = 0;  // index into TemporalProfile::pairs
  double took_s = 0;
  std::optional<double> z;  // |took - mean| / sd; unset: the times of the profile are all the same
  bool within_clocks = false;  // beyond the limit by less than the two clocks can tell (u95)
};

struct ProfileCheck {
  size_t cases = 0;  // whose times were looked at
  size_t deviating_cases = 0;
  uint64_t times = 0;
  uint64_t not_judged = 0;  // times of a pair that the profile does not have, or has seen once
  std::vector<TimeDeviation> deviations;
  std::vector<Excluded> excluded;
};

/// Compares a log, the profile's own or another, with a profile; activities by name. zeta > 0.
ProfileCheck check_times(const EventLog& log, const TemporalProfile& profile, double zeta,
                         Withheld withheld = {});

}  // namespace casebox::analytics::discovery
