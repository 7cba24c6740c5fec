#pragma once

// What is unwise or wrong in a norm: steps no run can do, runs that cannot end, rules that no run
// can keep, steps that nothing can observe.
//
// Thread safety: pure function. Limits: nets with more than 200,000 markings are reported as too
// large and only looked at in part.

#include <string>
#include <vector>

#include "analytics/protocol/norm.h"

namespace casebox::analytics::protocol {

struct LintFinding {
  /// unreachable, unsound, contradiction, unobservable, unused, redundant, too_large
  std::string kind;
  bool error = true;  // false: advice
  std::string step;   // id; empty: of the whole
  int check = -1;     // index of the check it is about
  std::string message;
};

std::vector<LintFinding> lint(const Norm& norm);

}  // namespace casebox::analytics::protocol
