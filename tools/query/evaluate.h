#pragma once

// Answers an expression over the facts of many cases.
//
// Thread safety: free functions.

#include <optional>
#include <string>
#include <vector>

#include "tools/query/expression.h"
#include "tools/query/facts.h"

namespace casebox::tools::query {

/// One answer: where in which case, the value that matched, and the records it rests on.
struct Row {
  CaseId case_id;
  double t0_s = 0;
  double t1_s = 0;
  std::optional<double> value;  // of the field compared; none for a departure or a text field
  std::string what;             // which condition gave the row
  std::vector<v1::SourceRange> sources;
  bool placed = true;  // false: the times are withheld and must not be given
};

struct Answer {
  std::vector<CaseId> cases;  // that match, in the order given
  std::vector<Row> rows;      // at least one per matching case
  uint64_t scanned = 0;
  uint64_t unknown = 0;           // sealed cases that a condition could not be asked of
  uint64_t unanalysed = 0;        // cases of which nobody has looked for what is asked yet
  uint64_t withheld = 0;          // cases whose phases have no times that may be used
  std::vector<std::string> plan;  // for --explain, percentiles resolved
};

/// Evaluates `expr` over `cases`. A percentile is that of the field over all of `cases` that have
/// it (linear interpolation between order statistics, as R's type 7).
Answer evaluate(const Expr& expr, const std::vector<CaseFacts>& cases);

/// Value of a number field; nullopt when the case lacks the phase.
std::optional<double> number_of(const CaseFacts& facts, Field field, const std::string& label);

}  // namespace casebox::tools::query
