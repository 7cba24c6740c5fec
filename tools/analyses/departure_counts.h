#pragma once

// Certain departures of the cases of a cohort, as a measure to be charted.
//
// Of a log each case is compared with the norm of `--protocol` now. Of a store nothing is compared:
// what counts are the findings in force, of one norm. Without `--protocol` that is the norm all
// compared cases share; with it, the cases last compared with that very file. A case that was not
// compared, or with another norm, has no value, and its reason says what to do: it is not zero.
//
// Thread safety: the StoreAccess's thread.
// Errors: kInvalidArgument for cases of a store that were compared with different norms while none
// was chosen, or a log without `--protocol`; those of the norm's file and of the store.

#include <vector>

#include "analytics/spc/measure.h"
#include "tools/analyses/analyses.h"
#include "tools/query/facts.h"

namespace casebox::tools {

struct DepartureCounts {
  NormName norm;                                     // empty: no case was compared
  std::vector<analytics::spc::CaseValue> values;     // of each trace of the cohort
  std::vector<std::vector<v1::SourceRange>> frames;  // of each trace: looked at; of a log none
};
Result<DepartureCounts> departure_counts(const Args& args, const Cohort& cohort);

/// Says in the result from which norm they are; nothing if from none.
Result<void> put_norm(const NormName& norm, CohortResult& out);

}  // namespace casebox::tools
