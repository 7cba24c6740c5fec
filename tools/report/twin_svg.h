#pragma once

// A twin's forecasts against what was observed, as a picture inside the document. Forecasts issued
// after the time they speak of are crosses in a row of their own: shown, never counted.
//
// Thread safety: pure function.

#include "tools/report/evidence.h"
#include "tools/report/html.h"

namespace casebox::tools::report {

/// `unit` stands on the value axis; the time axis is case time from `from_s` to `to_s`.
Html twin_svg(const TwinTrack& track, double from_s, double to_s);

}  // namespace casebox::tools::report
