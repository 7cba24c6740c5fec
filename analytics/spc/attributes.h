#pragma once

// Charts of counts: p (share of cases with something), u (events per unit of exposure), c (events
// per case of equal exposure). Shewhart limits at 3 sigma of the binomial or Poisson at the
// baseline's rate, for each point's own size, cut off at what is possible (Montgomery,
// Introduction to Statistical Quality Control, chapter 7). The limits are approximate; the
// false-alarm rate stated is exact: the probability, at the baseline's rate, that a count falls
// outside the limits.
//
// Thread safety: pure functions. Errors: none; what cannot be said is in Chart::reasons.

#include "analytics/spc/chart.h"

namespace casebox::analytics::spc {

struct Share {
  unsigned events = 0;
  unsigned cases = 0;  // at least `events`; 0: the point is left without a value
};
struct Rate {
  unsigned events = 0;
  double exposure = 0;  // e.g. hours; > 0
};

struct CountOptions {
  size_t baseline = 0;  // first so many points give the limits; 0: all
};

Chart p_chart(const std::vector<Share>& points, const CountOptions& options = {});
Chart u_chart(const std::vector<Rate>& points, const CountOptions& options = {});
Chart c_chart(const std::vector<unsigned>& counts, const CountOptions& options = {});

}  // namespace casebox::analytics::spc
