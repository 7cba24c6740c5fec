#pragma once

// What the departures of a committee's cases weigh, from the findings of kind "weights", as far as
// it can be shown without letting a number be computed that the page withholds: a value is left out
// when the departures that touch it, beyond those in rows that are shown, come to 1 to 10, or when
// one of its rows is withheld because too few cases are without it (k = 11).
//
// Thread safety: pure functions.

#include <functional>
#include <string>
#include <vector>

#include "tools/report/cohort_evidence.h"

namespace casebox::tools::report {

struct GroupWeights {
  std::string withheld;                       // why nothing is shown; empty: it is
  size_t compared = 0, weighed = 0;           // cases
  std::vector<std::string> left_out;          // ids of values
  analytics::conformance::Weighing weighing;  // over the other values
  std::vector<std::string> tags;              // of the findings it is made of
};

/// `cases`: all that were compared with one norm. `told`: whether the page shows the departure's
/// row by kind and step. `countable`: whether the number of these cases may be shown.
GroupWeights group_weights(
    const std::vector<const CohortCase*>& cases,
    const std::function<bool(const CohortDeparture&)>& told,
    const std::function<bool(const std::vector<const CohortCase*>&)>& countable);

}  // namespace casebox::tools::report
