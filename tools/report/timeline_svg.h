#pragma once

// The time line of a case as a picture inside the document: phases with the bounds of their
// beginnings, departures by certainty, what the team could see at the time, gaps.
//
// Thread safety: pure functions. Times are seconds of case time, axes say minutes:seconds.

#include "tools/report/case_view.h"
#include "tools/report/html.h"

namespace casebox::tools::report {

Html timeline_svg(const CaseView& view);

/// Ticks of a time axis: a round step (s) such that at most `room` of them fit.
double tick_step(double span_s, double room);
/// "1:30", "1:02:30": a place on a time axis.
std::string axis_text(double seconds);
/// A line, rectangle, text ... of a picture; numbers rounded to hundredths.
std::string coordinate(double value);

}  // namespace casebox::tools::report
