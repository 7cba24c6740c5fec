#pragma once

// Terms over what happened at moments and over vitals, of a case or within a phase.
//
// A count is of what was recorded. A stream that did not watch all the span makes it a lower bound,
// and a moment or an end of a phase with a bound makes it uncertain to which side it belongs: the
// value's interval says so. What no stream could have brought is not asked.
//
// Thread safety: pure functions.

#include "tools/query/value.h"

namespace casebox::tools::query {

/// A term kEvent, kAlarm, kDoor, kMark or kChecklist.
Value moment_value(const Expr& term, const CaseFacts& facts, const Cohort& cohort);
/// A term kVitals.
Value vital_value(const Expr& term, const CaseFacts& facts, const Cohort& cohort);

}  // namespace casebox::tools::query
