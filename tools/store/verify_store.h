#pragma once

// Verifies what a store holds, without any key: every stored frame goes through the same verifier
// as a log.
//
// Thread safety: free functions.
// Errors: only what keeps the store from opening; damage found on the way is a problem of the
// report.

#include <functional>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "proto/verify/verify.h"
#include "storage/store.h"

namespace casebox::tools {

/// One case: its recorder's epochs and every derived producer's.
Result<verify::Report> verify_stored_case(const storage::Store& store, const v1::CaseRecord& record,
                                          const verify::Options& options);

/// Every case; `each` is called after each with how many are done and how many there are.
Result<std::vector<verify::Report>> verify_store(
    const storage::Store& store, const verify::Options& options,
    const std::function<void(size_t, size_t)>& each = {});

/// The worse of two: TAMPERED, then UNTRUSTED_KEY, UNCLOSED, COMPLETE_WITH_DECLARED_GAPS, COMPLETE.
verify::Verdict worse(verify::Verdict a, verify::Verdict b);

}  // namespace casebox::tools
