#pragma once

// Charts of the committee's page as pictures inside the document: a control chart, a funnel,
// numbers with their intervals. Axes carry names and units; a signal is told by its shape as well
// as by its colour, and by the table beside it.
//
// Thread safety: pure functions. Errors: none; nothing to draw is no picture.

#include <functional>
#include <string>
#include <vector>

#include "analytics/spc/chart.h"
#include "analytics/spc/funnel.h"
#include "tools/report/html.h"

namespace casebox::tools::report {

struct Axis {
  std::string name;                              // with its unit: "Median duration (min:s)"
  std::function<std::string(double)> text = {};  // of a tick
};

/// Points in their order, centre and limits where the chart has them.
Html control_svg(const analytics::spc::Chart& chart, const std::string& points_are, const Axis& y);

/// Shares of groups by their size, with the limits within which chance alone would leave them.
Html funnel_svg(const analytics::spc::Funnel& funnel, const std::string& x, const std::string& y);

struct Ranged {
  std::string name;
  double low = 0, value = 0, high = 0;
};
Html ranges_svg(const std::vector<Ranged>& rows, const Axis& x);

}  // namespace casebox::tools::report
