#pragma once

// Charts for rare events: what lies between one and the next.
//
// g: number of cases between two with the event (Benneyan, Health Care Management Science 4 (2001)
// 305-318): geometric. Limits are its exact probability limits, 0.135 % beyond each, not Benneyan's
// 3 sigma: those are passed by 1.8 % of all gaps when nothing has changed. A lower limit exists
// only where events are rarer than about one case in 741.
// t: time between two events, raised to the power 1/3.6, which makes an exponential nearly normal
// (Nelson, J. Quality Technology 26 (1994) 239-246), then as XmR without run rules, and back.
//
// Long gaps are good news or unreported events. A chart of gaps is slow to show that events have
// become more frequent, above all a g chart without a lower limit; the RA-CUSUM is quicker.
//
// Thread safety: pure functions. Errors: none; what cannot be said is in Chart::reasons.

#include "analytics/spc/chart.h"

namespace casebox::analytics::spc {

struct GapOptions {
  size_t baseline = 0;  // first so many gaps give the limits; 0: all
};

/// `gaps[i]`: cases without the event between the i-th with it and the next.
Chart g_chart(const std::vector<unsigned>& gaps, const GapOptions& options = {});

/// `gaps[i]` in one unit of time, > 0.
Chart t_chart(const std::vector<double>& gaps, const GapOptions& options = {});

/// Gaps of a series in time order; what comes before the first and after the last event belongs to
/// no gap.
std::vector<unsigned> gaps_between(const std::vector<bool>& has_event);

}  // namespace casebox::analytics::spc
