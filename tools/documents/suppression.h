#pragma once

// Which numbers about cases may leave the room of those who may open the cases: the one function
// that tables, sentences, evidence, pictures, downloads, studies and commands of a report ask.
//
// A number may be shown when it is about 11 cases or more (EU and CMS small-cell practice), and
// when neither it nor anything that can be computed from it and from what was shown before is about
// 1 to 10 cases: the cases of one shown set that are not in another one inside it, of several sets
// without a common case those of all together, and of any three shown sets the sum of two less the
// third where that counts each case once or not at all. A case counts as in a set by what is in the
// record, whether or not a reader could know it. What was shown first is kept: ask for what matters
// most first. What would need more than `kMostDerived` sets to be judged is withheld.
//
// Numbers that are not counts (a median, a weight) are about their set: it has to have 11 cases.
// What two pages about different cohorts tell together is not judged here (docs/adr/085).
//
// Thread safety: one thread. Units: cases. Errors: none.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tools/documents/small_groups.h"

namespace casebox::tools {

/// Places of cases in the cohort, each below the number of its cases.
using CaseSet = std::set<size_t>;

class Suppression {
 public:
  static constexpr size_t kMostDerived = 1500;

  /// `cases`: in the cohort. Nothing is shown yet, not even that number.
  explicit Suppression(size_t cases) : words_((cases + 63) / 64) {}

  /// Whether the number of these cases may be shown; if so it is from now on. 0 may always be.
  bool show(const CaseSet& cases);
  /// Of several, the largest are asked for first; ties in their order.
  std::vector<bool> show_each(const std::vector<CaseSet>& sets);
  /// Whether statistics that are no counts may be shown of these cases.
  static bool enough(size_t cases) { return cases >= kMinimumGroup; }

 private:
  using Bits = std::vector<uint64_t>;
  Bits bits_of(const CaseSet& cases) const;
  bool three_tell_few(const Bits& one) const;

  size_t words_;
  std::vector<Bits> published_;  // shown sets
  std::set<Bits> derived_;       // and those that can be computed from them
};

/// A count of cases as it is printed everywhere: the number, or that it is withheld.
std::string count_text(size_t cases, bool shown);
/// "38 %", of what was counted and stands for nothing else; empty unless both numbers are shown.
std::string percent_text(size_t cases, bool shown, size_t of, bool of_shown);
/// "38 % (27 to 51 %)", of what stands for practice: share with its 95 % Wilson interval; empty
/// unless both numbers are shown.
std::string share_text(size_t cases, bool shown, size_t of, bool of_shown);

}  // namespace casebox::tools
