#pragma once

// What is known of one case's comparison with a norm, read from the findings of its newest
// conformance run: which norm, with which outcome, and what the departures weigh. `query`,
// `analyze` and the reports read it through here, so that they agree on which cases were compared.
//
// Thread safety: pure functions. No errors: a finding of kind "weights" in a form that this program
// does not know is no finding to it.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analytics/conformance/weights.h"
#include "casebox/v1/finding.pb.h"

namespace casebox::analytics::facts {

/// Kind of the finding that says what a case's departures weigh.
constexpr const char* kWeightsKind = "weights";

/// A norm as a run names it.
struct NormName {
  std::string id;      // id@version
  std::string sha256;  // hex, of its file's bytes
  auto operator<=>(const NormName&) const = default;
};

/// What a case's departures weigh, and by which values.
struct CaseWeights {
  analytics::conformance::Values values;
  analytics::conformance::Tally tally;
  v1::Finding finding;
};

struct Compared {
  enum class Outcome { kNever, kRan, kSkipped, kFailed };
  Outcome outcome = Outcome::kNever;
  std::string reason;  // of skipped and failed
  NormName norm;
  /// False: the search's budget ended, or certain and ambiguous departures could not be told apart.
  bool judged = true;
  /// None: the norm declares no values, or an older program compared the case.
  std::optional<CaseWeights> weights;

  bool ran() const { return outcome == Outcome::kRan; }
};

/// `findings`: those in force of a case, or just computed; of other jobs are passed over.
Compared compared(std::span<const v1::Finding> findings);

/// Cases that one norm was used on, for weighing them together.
struct WeighedTogether {
  NormName norm;
  analytics::conformance::Values values;               // empty: no member has a finding
  std::vector<analytics::conformance::Tally> tallies;  // of the members that have a finding
  std::vector<size_t> members;                         // of each tally: index of its case
  size_t cases = 0;                                    // compared, with or without a tally
};
/// By norm, in the order of their names, and by the values that are written of it: a file's digest
/// settles them, so these differ only where some cases have no finding. Cases that were not
/// compared are in none.
std::vector<WeighedTogether> weighed_together(std::span<const Compared> cases);

}  // namespace casebox::analytics::facts
