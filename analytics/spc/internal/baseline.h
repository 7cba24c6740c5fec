#pragma once

// What the charts share: which points the limits come from, and whether there are enough of them.

#include <string>

#include "analytics/spc/chart.h"

namespace casebox::analytics::spc::internal {

/// Marks the first `wanted` points (0: all) as baseline and says why limits cannot or should hardly
/// be given. `what` names points, e.g. "cases". True: limits may be given.
bool take_baseline(Chart& chart, size_t wanted, const std::string& what,
                   size_t minimum = kMinimumPoints);

/// Adds the signal "limit" to the points outside their limits.
void mark_limits(Chart& chart);

/// A number in a sentence: three significant digits.
std::string brief(double value);

}  // namespace casebox::analytics::spc::internal
