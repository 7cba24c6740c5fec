#pragma once

// What a study keeps of a control chart: how many points signal and where the centre lies; never
// the points.
//
// Thread safety: pure functions.

#include "analytics/finding/finding.h"
#include "analytics/spc/chart.h"
#include "analytics/spc/funnel.h"
#include "analytics/spc/measure.h"

namespace casebox::tools {

analytics::finding::Draft chart_finding(const analytics::spc::Chart& chart,
                                        const analytics::spc::Measure& measure);
analytics::finding::Draft chart_finding(const analytics::spc::Funnel& funnel,
                                        const analytics::spc::Measure& measure);

}  // namespace casebox::tools
