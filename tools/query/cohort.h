#pragma once

// A cohort: the cases of a store that an expression names, for `query` and for `analyze --cohort`.
//
// Thread safety: free functions. Errors: those of parse, of check_names and of the store. A case
// whose content is damaged is not asked, and costs no other.

#include <functional>
#include <string>
#include <vector>

#include "tools/query/evaluate.h"
#include "tools/query/vocabulary.h"
#include "tools/store/store_access.h"

namespace casebox::tools::query {

struct Asked {
  By by = By::kNone;
  std::vector<v1::Protocol> norms;  // whose names are known besides the program's own
  bool verdicts = false;            // of every case, matching or not
};

/// The facts of every case of the store, one after the other, ordered by start and id.
Result<void> for_each_case(StoreAccess& access, keyring::Purpose purpose, const Needs& needs,
                           const std::function<Result<void>(CaseFacts&&)>& visit);

/// Parses `expression` and asks it of every case of the store; "" = every case.
Result<Answer> ask(StoreAccess& access, const std::string& expression,
                   keyring::Purpose purpose = keyring::Purpose::kAnalysis, const Asked& how = {});

}  // namespace casebox::tools::query
