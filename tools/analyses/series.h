#pragma once

// The cases of a cohort as a series in time: what control charts and trends are made of.
//
// Thread safety: free functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analytics/spc/measure.h"
#include "tools/analyses/cohort.h"
#include "tools/cli/json.h"

namespace casebox::tools {

struct SeriesCase {
  std::string key;
  size_t trace = 0;  // index in the cohort
  std::optional<int64_t> wall_start_ns;
  double value = 0;
  double duration_s = 0;  // 0: not known, or withheld
};

struct LeftOut {
  std::string case_id;
  std::string reason;
};

struct Series {
  std::vector<SeriesCase> cases;
  bool dated = false;  // ordered by wall time; else in the order of the file
  std::vector<LeftOut> left_out;
};

/// By wall time, ties by key. When no case is dated: in the order of the cohort. When only some
/// are, the others are left out, since their place is not known. `departures`: of each trace, for
/// that measure (departure_counts.h); else null.
Series make_series(const Cohort& cohort, const analytics::spc::Measure& measure,
                   const std::vector<analytics::spc::CaseValue>* departures);

/// Leaves out the oldest cases that would fill no group of `group`.
void fill_groups(size_t group, Series& series);

Json left_out_json(const std::vector<LeftOut>& left_out);

}  // namespace casebox::tools
