#pragma once

// `query --sql`: a statement, answered over every case of a store, with the cases that could not be
// asked about what it reads.
//
// Thread safety: free functions. Errors: those of tools/query/sql and of the store.

#include "tools/query/cohort.h"
#include "tools/query/sql.h"

namespace casebox::tools::query {

/// A case that has no rows, or none with times, in what the statement reads.
struct CaseNotAsked {
  CaseId case_id;
  std::string about;  // "phases", "departures", ... the relation
  std::string reason;
};

struct StoreAnswer {
  SqlAnswer answer;
  uint64_t scanned = 0;
  uint64_t asked = 0;    // cases that are not among `not_asked`
  uint64_t refused = 0;  // which consent, role or purpose keep out, about "consent" in not_asked
  std::vector<CaseNotAsked> not_asked;
  std::vector<std::pair<CaseId, std::string>> incomplete;  // verdicts that are no good ones
  std::vector<std::string> notices;
};

Result<StoreAnswer> ask_sql(StoreAccess& access, const std::string& statement,
                            const SqlLimits& limits = {});

}  // namespace casebox::tools::query
