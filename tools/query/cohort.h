#pragma once

// A cohort: the cases of a store that an expression names, for `query` and for `analyze --cohort`.
//
// Thread safety: free functions. Errors: those of parse and of the store.

#include <string>

#include "tools/query/evaluate.h"
#include "tools/store/store_access.h"

namespace casebox::tools::query {

/// Parses `expression` and asks it of every case of the store; "" = every case.
Result<Answer> ask(StoreAccess& access, const std::string& expression,
                   keyring::Purpose purpose = keyring::Purpose::kAnalysis);

/// Ids of the matching cases, ordered by start and id.
Result<std::vector<CaseId>> cohort(StoreAccess& access, const std::string& expression);

}  // namespace casebox::tools::query
