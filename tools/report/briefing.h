#pragma once

// The patient briefing: two plain pages about one operation. Only for a case whose consent names
// it. It holds no picture: a picture may show people, and none is printed before it is redacted
// and a person has released it (docs/adr/041-three-reports.md).
//
// Thread safety: pure function.
// Errors: kDenied when the consent in force does not include patient-briefing, or no key opens the
// case.

#include <string>

#include "tools/report/evidence.h"

namespace casebox::tools::report {

/// `contact`: to whom the patient may speak, e.g. "the patient office, room 12".
Result<std::string> briefing(const CaseEvidence& evidence, const std::string& contact);

/// Code of the consent scope that allows it.
inline constexpr const char* kBriefingScope = "patient-briefing";
/// kDenied with what to do, or nothing: asked before anything is read.
Result<void> briefing_allowed(const CaseView& view);

}  // namespace casebox::tools::report
