#include "tools/query/expression.h"

#include "tools/cli/names.h"

namespace casebox::tools::query {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string term_form(const Expr& expr) {
  const TermOf& term = term_of(expr.term);
  std::string out = term.name;
  if (!expr.args.empty() || expr.term == Term::kDeparture) {
    out += '(';
    for (size_t i = 0; i < expr.args.size(); ++i)
      out += (i == 0 ? "" : ", ") + quoted(expr.args[i].text);
    out += ')';
  }
  if (expr.part != Part::kNone) out += std::string(".") + find_part(term, expr.part)->name;
  if (expr.within) out += " within phase(" + quoted(expr.within->text) + ")";
  return out;
}

Needs needs_of(const Expr& expr) {
  Needs needs;
  switch (expr.term) {
    case Term::kProcedure:
    case Term::kRoom:
    case Term::kState:
    case Term::kDate:
    case Term::kDuration: break;
    case Term::kGaps: needs.gaps = expr.part == Part::kMissing; break;
    case Term::kVerdict: needs.verdict = true; break;
    case Term::kPhase:
    case Term::kStep:
    case Term::kSpan:
    case Term::kPhaseSource:
    case Term::kWithheld: needs.phases = true; break;
    case Term::kDeparture:
    case Term::kNorm:
    case Term::kCompared: needs.departures = true; break;
    case Term::kEvent:
    case Term::kAlarm:
    case Term::kDoor:
    case Term::kMark:
    case Term::kChecklist: needs.moments = true; break;
    case Term::kVitals:
      needs.vitals.insert(expr.args.front().text);
      needs.vital_names = true;
      break;
    case Term::kClock: needs.clocks = true; break;
    case Term::kConsent: needs.consent = true; break;
    case Term::kTwin: needs.twin = true; break;
  }
  if (expr.within) needs.phases = true;
  return needs;
}

}  // namespace

const char* to_string(Op op) {
  switch (op) {
    case Op::kEq: return "=";
    case Op::kNe: return "!=";
    case Op::kLt: return "<";
    case Op::kLe: return "<=";
    case Op::kGt: return ">";
    case Op::kGe: return ">=";
  }
  return "?";
}

Needs Expr::needs() const {
  Needs out;
  if (kind == Kind::kTerm) out = needs_of(*this);
  for (const auto& child : children) out.add(child->needs());
  return out;
}

std::string Expr::text_form() const {
  switch (kind) {
    case Kind::kNot: return "not " + children.front()->text_form();
    case Kind::kNegative: return "-" + children.front()->text_form();
    case Kind::kTerm: return term_form(*this);
    case Kind::kNumber: return shortest(number);
    case Kind::kText: return quoted(text);
    case Kind::kDate: return text;
    case Kind::kPercentile: return "p" + std::to_string(percentile);
    case Kind::kCompare:
      return children[0]->text_form() + " " + to_string(op) + " " + children[1]->text_form();
    case Kind::kArithmetic:
      return "(" + children[0]->text_form() + " " + sign + " " + children[1]->text_form() + ")";
    case Kind::kAnd:
    case Kind::kOr: break;
  }
  std::string out = "(";
  for (size_t i = 0; i < children.size(); ++i)
    out += (i == 0 ? "" : kind == Kind::kAnd ? " and " : " or ") + children[i]->text_form();
  return out + ")";
}

}  // namespace casebox::tools::query
