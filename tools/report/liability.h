#pragma once

// The liability file: custody first, then what happened, how sure that is, and what would change
// it. For counsel and experts; it names no person.
//
// Thread safety: pure function.

#include <string>

#include "tools/report/evidence.h"

namespace casebox::tools::report {

/// A whole HTML document. A case that no key opens gets its custody and accounting alone.
std::string liability(const CaseEvidence& evidence);

}  // namespace casebox::tools::report
