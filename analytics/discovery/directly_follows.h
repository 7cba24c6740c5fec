#pragma once

// The directly-follows graph of a log: which activity comes right after which, how often, and how
// long after (van der Aalst, Process Mining, 2nd ed., 6.2; the counts are those of other tools).
//
// The wait of an arc is the start of the later event minus the end of the earlier one: negative
// where the two overlap, and kept so. Waits are exact (integer ns) until a result is made.
//
// Thread safety: pure functions. Units: seconds. Order of arcs and activities in results: by count,
// most first, ties by name. Quantiles: linear interpolation between order statistics (Hyndman &
// Fan, type 7).

#include <cstdint>
#include <optional>
#include <vector>

#include "analytics/discovery/sequences.h"
#include "analytics/discovery/timed.h"

namespace casebox::analytics::discovery {

/// How long after, over the passages of an arc that can be timed.
struct Waits {
  uint64_t n = 0;
  uint64_t overlapping = 0;  // of these: the later began before the earlier ended
  double mean_s = 0;
  double min_s = 0, q25_s = 0, median_s = 0, q75_s = 0, max_s = 0;
};

struct Arc {
  ActivityId from = 0;
  ActivityId to = 0;
  uint64_t count = 0;          // passages
  uint64_t cases = 0;          // in how many cases
  std::optional<Waits> waits;  // unset: none can be timed, or none was asked for
};

struct ActivityCount {
  ActivityId activity = 0;
  uint64_t count = 0;
};

struct DirectlyFollows {
  size_t cases = 0;  // with and without events
  uint64_t events = 0;
  uint64_t passages = 0;  // sum over the arcs
  std::vector<Arc> arcs;
  std::vector<ActivityCount> activities;  // events of each
  std::vector<ActivityCount> starts;      // first of a case
  std::vector<ActivityCount> ends;        // last of a case
  std::vector<Excluded> excluded;         // from the waits; never from the counts
};

/// Counts only; Arc::waits stay unset.
DirectlyFollows count_arcs(const EventLog& log, OrderBasis basis);

/// Counts and waits.
DirectlyFollows directly_follows(const EventLog& log, OrderBasis basis, Withheld withheld = {});

}  // namespace casebox::analytics::discovery
