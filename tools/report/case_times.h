#pragma once

// How long the phases of one case took, and whether that may be used: the event log and the quality
// gate of analytics, so that a report and `casebox analyze timing` agree.
//
// Thread safety: the reader's thread. Errors: those of the reader; a case that no key opens is
// excluded, not an error.

#include "storage/reader/case_reader.h"
#include "tools/report/comparison.h"

namespace casebox::tools::report {

Result<CaseTimes> case_times(const storage::CaseReader& reader);

}  // namespace casebox::tools::report
