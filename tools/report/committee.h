#pragma once

// The committee's dashboard: data quality first, then phase times and departures over a cohort. It
// names nobody, and of a cohort below 11 it shows only that.
//
// Thread safety: pure function.

#include <string>

#include "tools/report/cohort_evidence.h"

namespace casebox::tools::report {

std::string committee(const Cohort& cohort);

}  // namespace casebox::tools::report
