#pragma once

// What departures weigh, as JSON and as text: always under the declared, equal and random
// order-keeping weights together (analytics/conformance/weights.h).
//
// Thread safety: free functions.

#include <cstdio>

#include "analytics/conformance/weights.h"
#include "tools/cli/json.h"

namespace casebox::tools {

/// Of all cases together.
Json weighing_json(const analytics::conformance::Weighing& weighing,
                   const analytics::conformance::WeightOptions& options);
/// Of one case; null when it has none.
Json weighed_case_json(const analytics::conformance::Weighing& weighing, size_t index);

void print_weighing(std::FILE* out, const analytics::conformance::Weighing& weighing,
                    const analytics::conformance::WeightOptions& options);
/// One line below a case; nothing when it has no departure to weigh.
void print_weighed_case(std::FILE* out, const analytics::conformance::Weighing& weighing,
                        size_t index);

}  // namespace casebox::tools
