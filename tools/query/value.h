#pragma once

// What a term of a question is in one case: known, with an interval in which it certainly lies;
// absent, since the case has no such phase or event; or not to be asked, and why.
//
// Thread safety: pure functions. Units: s of case time, or what the term has.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/query/expression.h"

namespace casebox::tools::query {

/// Why a case is neither a match nor a miss.
enum class Why : uint8_t {
  kSealed,       // no key opens it, or its verdict forbids its content
  kUnanalysed,   // nobody has annotated, marked, searched or compared it
  kWithheld,     // the quality gate withholds the times asked about
  kNotRecorded,  // nothing that could have brought it was recorded
  kUndated,
  kRefused,  // consent, role or purpose forbid it: it is in no answer
};

/// Where in the case.
struct Place {
  double t0_s = 0;
  double t1_s = 0;
  bool placed = true;  // false: the times are withheld and must not be given
  std::string what;    // "missing time-out"; empty: the condition says it
  std::string certainty;
  std::vector<v1::SourceRange> sources;
};

struct Value {
  enum class State : uint8_t { kKnown, kAbsent, kNotAsked };
  State state = State::kAbsent;
  double number = 0;
  double low = 0, high = 0;  // around `number`; where nothing is unsure, `number`
  std::vector<std::string> texts;
  bool holds = false;  // of a condition
  bool sure = true;    // of a condition: false: it may be otherwise
  std::vector<Place> places;
  Why why = Why::kSealed;  // kNotAsked
  std::string reason;
};

/// What only all cases together tell.
struct Cohort {
  std::map<std::string, std::set<std::string>> streams_of_event;  // code -> streams that brought it
  std::map<std::string, std::string> unit_of_channel;             // as most cases have it
};
Cohort cohort_of(const std::vector<CaseFacts>& cases);

/// A term of kind kTerm in one case.
Value value_of(const Expr& term, const CaseFacts& facts, const Cohort& cohort);

}  // namespace casebox::tools::query
