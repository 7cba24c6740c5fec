#pragma once

// The tree of a committee's question, e.g.
//   procedure = "gastric-bypass" and phase("preparation").duration > 10min
//   vitals("ART_M").min within phase("ClippingCutting") < 55
//   phase("CalotTriangleDissection").duration > 2 * phase("Preparation").duration
//
// Thread safety: immutable once parsed.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/query/facts.h"
#include "tools/query/terms.h"

namespace casebox::tools::query {

enum class Op { kEq, kNe, kLt, kLe, kGt, kGe };

/// How the language writes them.
const char* to_string(Op op);

/// A name in quotes, and where it stands.
struct Name {
  std::string text;
  size_t at = 0;  // bytes from the beginning of the question
};

struct Expr {
  enum class Kind {
    kAnd,
    kOr,
    kNot,
    kCompare,
    kTerm,
    kArithmetic,
    kNegative,
    kNumber,
    kText,
    kDate,
    kPercentile
  };
  Kind kind = Kind::kAnd;
  size_t at = 0;  // where it begins, as Name::at
  // and, or: two or more (an `and` of nothing holds for every case); not, negative: one;
  // compare, arithmetic: left and right
  std::vector<std::unique_ptr<Expr>> children;

  Op op = Op::kEq;     // kCompare
  char sign = '+';     // kArithmetic: + - * /
  double number = 0;   // kNumber, s for times
  std::string text;    // kText, kDate
  int percentile = 0;  // kPercentile, 1-99: of the left side over the cohort

  Term term = Term::kProcedure;  // kTerm
  std::vector<Name> args;
  Part part = Part::kNone;
  std::optional<Name> within;  // a phase

  Type type = Type::kBool;  // set by the parser
  Unit unit = Unit::kAny;

  /// What evaluating it must read of each case.
  Needs needs() const;
  /// The expression as text that parses to the same tree.
  std::string text_form() const;
};

}  // namespace casebox::tools::query
