#pragma once

// A case's phase times beside those of other cases of its procedure. A group below `kMinimumGroup`
// gets no number: its members could be told.
//
// The middle is the median with its interval between order statistics (analytics/timing), so that
// no shape is assumed; the usual range is the 10th to 90th percentile
// (R's type 7). Times are active seconds of a phase: the sum over its entries.
//
// Thread safety: values and pure functions.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/documents/small_groups.h"

namespace casebox::tools::report {

struct PhaseSpan {
  std::string label;
  double t0_s = 0, t1_s = 0;
  bool open = false;
};

/// Phase times of one case, fit for statistics or excluded with a reason.
struct CaseTimes {
  std::string case_id;
  std::map<std::string, double> seconds;  // of phases that ended
  std::vector<PhaseSpan> spans;           // every entry, in order of time
  std::string source;                     // "annotated", "found", "marked"
  std::string excluded;                   // empty, or why its times do not count
};

struct PhaseStatistics {
  std::string phase;
  size_t n = 0;
  // Only when n >= kMinimumGroup:
  double median_s = 0, low_s = 0, high_s = 0;  // 95 % interval of the median
  double p10_s = 0, p90_s = 0;
  std::string tag;  // names the computation and its inputs
};

struct Comparison {
  std::string procedure;
  size_t cases = 0;                        // that were looked at
  std::map<std::string, size_t> excluded;  // reason -> cases
  std::vector<PhaseStatistics> phases;     // by their median first start, ties by name
  const PhaseStatistics* find(const std::string& phase) const;
};

Comparison compare(const std::string& procedure, const std::vector<CaseTimes>& others);

}  // namespace casebox::tools::report
