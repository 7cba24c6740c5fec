#pragma once

// When something of a case was not recorded. Gaps of several streams, or of one stream told twice,
// may overlap: a second counts once.
//
// Thread safety: pure functions. Units: s of case time.

#include <set>
#include <string>
#include <vector>

#include "tools/report/case_view.h"

namespace casebox::tools::report {

struct GapSpan {
  double t0_s = 0, t1_s = 0;
  std::set<std::string> streams;
  std::set<std::string> reasons;
};

/// Spans that do not overlap, by time. `stream`: of this one alone; empty: of all.
std::vector<GapSpan> gap_spans(const std::vector<query::GapFact>& gaps,
                               const std::string& stream = "");
/// Their lengths together.
double length_s(const std::vector<GapSpan>& spans);

}  // namespace casebox::tools::report
