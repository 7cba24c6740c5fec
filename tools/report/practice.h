#pragma once

// Section 4 of the committee's page, of one procedure: whether it takes longer or shorter than it
// did, how rooms compare, how many ways there are of doing it. Tables with their pictures, made
// from cases alone; nothing here is a single case's.
//
//   how long   XmR chart (analytics/spc/individuals) of the medians of kMinimumGroup operations
//   that
//              follow one another, on the logarithmic scale: a point is never one operation
//   rooms      funnel (analytics/spc/funnel) of the share of operations with a departure that is
//              certain, of rooms with kMinimumGroup compared ones
//   ways       Hill numbers of the pathways (analytics/diversity/hill) with intervals by bootstrap
//
// Thread safety: pure functions. Errors: none; what cannot be shown says why in BoardTable::none or
// in a note. Evidence of the rows is the caller's.

#include <functional>
#include <vector>

#include "tools/report/board.h"
#include "tools/report/cohort_evidence.h"

namespace casebox::tools::report {

using Cases = std::vector<const CohortCase*>;

BoardTable durations_over_time(const std::string& section, const Cases& cases);

/// `cases` were compared with one norm. `shown`: whether the number of these cases may be shown.
BoardTable rooms_compared(const std::string& section, const Cases& cases,
                          const std::function<bool(const Cases&)>& shown);

BoardTable ways_of_doing(const std::string& section, const Cases& cases);

}  // namespace casebox::tools::report
