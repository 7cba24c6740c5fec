#include "tools/query/expression.h"

#include <algorithm>

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

std::string to_string(Field field, const std::string& label) {
  const auto phase = [&](const char* what) { return "phase(" + quoted(label) + ")." + what; };
  switch (field) {
    case Field::kProcedure: return "procedure";
    case Field::kRoom: return "room";
    case Field::kState: return "state";
    case Field::kDate: return "date";
    case Field::kDuration: return "duration";
    case Field::kGaps: return "gaps";
    case Field::kPhaseDuration: return phase("duration");
    case Field::kPhaseStart: return phase("start");
    case Field::kPhaseEnd: return phase("end");
    case Field::kPhaseEntries: return phase("entries");
  }
  return "?";
}

bool is_text(Field field) {
  return field == Field::kProcedure || field == Field::kRoom || field == Field::kState ||
         field == Field::kDate;
}

bool Expr::needs_phases() const {
  if (kind == Kind::kPhase) return true;
  if (kind == Kind::kCompare) return field >= Field::kPhaseDuration;
  return std::any_of(children.begin(), children.end(),
                     [](const auto& c) { return c->needs_phases(); });
}

bool Expr::needs_departures() const {
  if (kind == Kind::kDeparture) return true;
  return std::any_of(children.begin(), children.end(),
                     [](const auto& c) { return c->needs_departures(); });
}

std::string Expr::text_form() const {
  switch (kind) {
    case Kind::kNot: return "not " + children.front()->text_form();
    case Kind::kPhase: return "phase(" + quoted(label) + ")";
    case Kind::kDeparture: {
      std::string out = "departure(";
      if (!label.empty() || !step.empty()) out += quoted(label);
      if (!step.empty()) out += ", " + quoted(step);
      return out + ")";
    }
    case Kind::kCompare: {
      std::string right = percentile > 0          ? "p" + std::to_string(percentile)
                          : field == Field::kDate ? text
                          : is_text(field)        ? quoted(text)
                                                  : shortest(number);
      return to_string(field, label) + " " + to_string(op) + " " + right;
    }
    case Kind::kAnd:
    case Kind::kOr: break;
  }
  std::string out = "(";
  for (size_t i = 0; i < children.size(); ++i)
    out += (i == 0 ? "" : kind == Kind::kAnd ? " and " : " or ") + children[i]->text_form();
  return out + ")";
}

}  // namespace casebox::tools::query
