#pragma once

// Conformance results as JSON and as text a surgeon can read.
//
// Thread safety: free functions.

#include <cstdio>

#include "analytics/conformance/conform.h"
#include "tools/cli/json.h"

namespace casebox::tools {

/// Costs are in units of one event or step that does not match.
Json case_result_json(const analytics::conformance::CaseResult& result,
                      const analytics::protocol::Norm& norm, uint32_t unit, bool alignment);

/// One case: its departures, alternatives grouped.
void print_case_result(std::FILE* out, const analytics::conformance::CaseResult& result,
                       uint32_t unit);

/// A cost in units: a whole number where it is one.
Json cost_json(int64_t cost, uint32_t unit);

}  // namespace casebox::tools
