#include "tools/analyses/analyses.h"

#include <algorithm>

namespace casebox::tools {

const std::vector<const CohortAnalysis*>& cohort_analyses() {
  static const std::vector<const CohortAnalysis*> kAll = {
      &timing_analysis(),   &dfg_analysis(), &variants_analysis(), &profile_analysis(),
      &skeleton_analysis(), &spc_analysis(), &diversity_analysis()};
  return kAll;
}

const CohortAnalysis* find_cohort_analysis(const std::string& name) {
  const auto it = std::ranges::find(cohort_analyses(), name, &CohortAnalysis::name);
  return it == cohort_analyses().end() ? nullptr : *it;
}

}  // namespace casebox::tools
