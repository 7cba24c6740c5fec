#pragma once

// A control chart as JSON and as text that somebody who has never seen one can read.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "analytics/spc/chart.h"
#include "analytics/spc/funnel.h"
#include "tools/cli/json.h"

namespace casebox::tools {

/// What a point is made of: the first and last case, and when the first began ("" unknown).
struct PointOrigin {
  std::string first_case, last_case, start;
};

Json chart_json(const analytics::spc::Chart& chart, const std::vector<PointOrigin>& origins);
/// `unit` stands behind values, e.g. " s"; "" none.
std::string chart_text(const analytics::spc::Chart& chart, const std::vector<PointOrigin>& origins,
                       const std::string& unit);

Json funnel_json(const analytics::spc::Funnel& funnel);
std::string funnel_text(const analytics::spc::Funnel& funnel);

}  // namespace casebox::tools
