#pragma once

// The tree of a committee's question, e.g.
//   procedure = "gastric-bypass" and phase("preparation").duration > 10min
//   departure("missing") or phase("ClippingCutting").duration > p95
//
// Thread safety: immutable once parsed.

#include <memory>
#include <string>
#include <vector>

namespace casebox::tools::query {

/// What a comparison looks at.
enum class Field {
  kProcedure,      // text: the case's code
  kRoom,           // text
  kState,          // text: open, closed, unclosed
  kDate,           // text: YYYY-MM-DD, UTC day of the start
  kDuration,       // s, of the whole case
  kGaps,           // number of gap frames
  kPhaseDuration,  // s, summed over the phase's entries
  kPhaseStart,     // s from the case's start, of the first entry
  kPhaseEnd,       // s from the case's start, of the last entry
  kPhaseEntries,   // how often the phase was entered
};

enum class Op { kEq, kNe, kLt, kLe, kGt, kGe };

/// How the language writes them.
const char* to_string(Op op);
std::string to_string(Field field, const std::string& label);
bool is_text(Field field);

struct Expr {
  enum class Kind { kAnd, kOr, kNot, kCompare, kPhase, kDeparture };
  Kind kind = Kind::kAnd;
  std::vector<std::unique_ptr<Expr>> children;  // and, or: two or more; not: one

  // kCompare
  Field field = Field::kProcedure;
  Op op = Op::kEq;
  std::string text;    // right side of a text field
  double number = 0;   // right side of a number field, s for times
  int percentile = 0;  // 1-99: the right side is this percentile of the field over the cohort
  // kPhase, kCompare of a phase: its label. kDeparture: deviation, "" = any.
  std::string label;
  std::string step;  // kDeparture: "" = any

  /// What evaluating it must read of each case.
  bool needs_phases() const;
  bool needs_departures() const;
  /// The expression as text that parses to the same tree.
  std::string text_form() const;
};

}  // namespace casebox::tools::query
