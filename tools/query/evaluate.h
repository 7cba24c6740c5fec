#pragma once

// Answers an expression over the facts of many cases.
//
// A case matches, does not match, or was not asked: a condition that cannot be asked of it is
// neither true nor false (strong three-valued logic, Kleene: `false and ?` is false, `true or ?`
// true, else `?`). A phase, event or value that a case does not have makes a comparison with it
// false. An answer that bounds, gaps or other explanations could turn is marked: the question is
// answered a second time with intervals instead of values.
//
// Thread safety: free functions.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/query/expression.h"
#include "tools/query/facts.h"
#include "tools/query/value.h"

namespace casebox::tools::query {

/// One answer: where in which case, the value that matched, and the records it rests on.
struct Row {
  CaseId case_id;
  double t0_s = 0;
  double t1_s = 0;
  std::optional<double> value;  // of the left side; none for a condition or a text
  std::string what;             // which condition gave the row
  std::vector<v1::SourceRange> sources;
  bool placed = true;           // false: the times are withheld and must not be given
  std::optional<double> u95_s;  // 95 % bound of `value`, of a time that has one
  std::string certainty;        // of a departure
  bool sure = true;             // false: it may be otherwise within bounds and gaps
};

struct NotAsked {
  CaseId case_id;
  Why why = Why::kSealed;
  std::string reason;
};

/// Cases of one group of `--by`.
struct Group {
  uint64_t matching = 0, asked = 0, not_asked = 0;
};

struct Answer {
  std::vector<CaseId> cases;  // that match, in the order given
  std::vector<Row> rows;      // at least one per matching case
  std::map<CaseId, std::string>
      verdicts;  // as lists give them, of cases asked without opening them
  uint64_t scanned = 0;
  uint64_t unknown = 0;     // whose content could not be read
  uint64_t unanalysed = 0;  // of which nobody has looked for what is asked yet
  uint64_t withheld = 0;    // whose times asked about may not be used
  uint64_t refused = 0;     // which consent, role or purpose keep out of every answer
  uint64_t unrecorded = 0;  // in which nothing was recorded that could tell, or without a date
  std::vector<NotAsked> not_asked;
  uint64_t unsure_matches = 0, unsure_misses = 0;
  std::map<std::string, Group> groups;  // with `by`
  std::vector<std::string> plan;        // for --explain, percentiles resolved
  std::vector<std::string> notices;     // what the asker should look at again
};

/// What `--by` groups by.
enum class By { kNone, kProcedure, kRoom, kState, kVerdict, kNorm, kYear, kQuarter, kMonth };
Result<By> by_from(const std::string& text);

/// Evaluates `expr` over `cases`. A percentile is that of the left side over all of `cases` that
/// have it (linear interpolation between order statistics, as R's type 7).
Answer evaluate(const Expr& expr, const std::vector<CaseFacts>& cases, By by = By::kNone);

}  // namespace casebox::tools::query
