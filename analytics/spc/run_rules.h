#pragma once

// Run rules on a chart whose points are, when nothing has changed, independent and normal around
// the centre. Numbered as in Nelson, "The Shewhart Control Chart - Tests for Special Causes",
// J. Quality Technology 16 (1984) 237-239; names with a point of the numbering:
//
//   nelson-1  one point beyond 3 sigma
//   nelson-2  nine in a row on one side of the centre
//   nelson-3  six in a row steadily rising or falling
//   nelson-4  fourteen in a row alternating up and down
//   nelson-5  two of three beyond 2 sigma on one side
//   nelson-6  four of five beyond 1 sigma on one side
//   nelson-7  fifteen in a row within 1 sigma of the centre
//   nelson-8  eight in a row beyond 1 sigma, on either side
//   western-electric-4  eight in a row on one side (Western Electric, Statistical Quality Control
//                       Handbook, 1956, whose rules 1 to 3 are Nelson's 1, 5 and 6)
//
// A rule marks the point that completes its pattern, as long as that point is part of it.
//
// Thread safety: pure functions. Errors: none.

#include <cstdint>
#include <string>
#include <vector>

namespace casebox::analytics::spc {

enum class Rule { kOne, kTwo, kThree, kFour, kFive, kSix, kSeven, kEight, kEightOnASide };
const char* to_string(Rule rule);

/// What the name of a signal means: "two of three beyond 2 sigma on one side"; "beyond its limit"
/// of a chart without rules.
std::string signal_words(const std::string& signal);

using Rules = std::vector<Rule>;
Rules shewhart_rules();          // nelson-1 alone
Rules western_electric_rules();  // nelson-1, 5, 6 and western-electric-4
Rules nelson_rules();            // 1 to 8

/// For each of `z` (points as multiples of sigma from the centre) the rules it completes.
std::vector<Rules> apply_rules(const std::vector<double>& z, const Rules& rules);

/// Mean number of points to the first signal for independent N(0, 1), limits known.
struct RunLength {
  double average = 0;
  bool exact =
      true;  // false: mean of simulated runs (rules 3, 4, 7 and 8 look at too much history)
};
/// Exact by the chain of Champ & Woodall, Technometrics 29 (1987) 393-399 for rules 1, 2, 5, 6 and
/// western-electric-4: 370.40 for rule 1, 91.75 for the four of Western Electric. Otherwise the
/// mean of 4,000 runs from a fixed seed. `rules` must not be empty.
RunLength in_control_run_length(const Rules& rules);

}  // namespace casebox::analytics::spc
