#pragma once

// Counts that may be shown of a group: a cell below 11 is withheld, and so is one whose complement
// could be computed to be below 11 (EU and CMS small-cell practice, k = 11).
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "tools/report/comparison.h"

namespace casebox::tools::report {

/// `n` of a `total` that is itself shown.
struct Cell {
  size_t n = 0, total = 0;

  /// True when n may be printed: n >= 11 and total - n is 0 or >= 11.
  bool shown() const;
  /// "23", "under 11", or "over 59" when only the complement is too small.
  std::string text() const;
  /// "38 % (27 to 51 %)": share with its 95 % Wilson interval; empty when not shown.
  std::string share() const;
};

/// Counts that sum to a total which is shown: which of them may be printed. Cells under 11 are
/// withheld, then the next smallest until what is withheld cannot be told from the total.
std::vector<bool> shown_parts(const std::vector<size_t>& counts);

}  // namespace casebox::tools::report
