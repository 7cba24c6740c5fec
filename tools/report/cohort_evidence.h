#pragma once

// What the committee's dashboard rests on: many cases, without their content.
//
// Thread safety: values; gather_cohort uses the StoreAccess's thread. Errors: those of the query
// and of the store.

#include <string>
#include <vector>

#include "proto/verify/verify.h"
#include "tools/query/facts.h"
#include "tools/report/comparison.h"
#include "tools/report/copies.h"
#include "tools/store/store_access.h"

namespace casebox::tools::report {

struct CohortDeparture {
  std::string kind, step, certainty, value, tag;
  bool scored = true;  // false: justified, unobserved, or perhaps done unseen
};

struct CohortCase {
  std::string case_id, procedure, room;
  std::optional<int64_t> start_utc_ns;  // unset: it has no date
  double duration_s = 0;                // from the first item's beginning to the last one's end
  verify::Verdict verdict = verify::Verdict::kUnclosed;
  bool sealed = false;  // no key opens it
  bool allowed = true;  // false: its consent is stated and does not include quality
  bool consent_stated = false;
  bool has_gaps = false, broken_clock = false;
  Compared comparison;  // only where it ran no departure means none
  CaseTimes times;
  std::vector<CohortDeparture> departures;
};

/// A case that consent, role or purpose keep out.
struct LeftOutCase {
  std::string case_id, reason;
};

struct Cohort {
  std::string expression;         // as given; "" for all cases
  std::vector<CohortCase> cases;  // of each operation one
  std::vector<Copy> copies;       // other records of them: counted nowhere
  std::vector<LeftOutCase> left_out;
};

Result<Cohort> gather_cohort(StoreAccess& access, const std::string& expression,
                             const std::vector<CaseId>& ids);

}  // namespace casebox::tools::report
