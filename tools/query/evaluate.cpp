#include "tools/query/evaluate.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tools/cli/names.h"
#include "tools/cli/nearest.h"
#include "tools/query/values.h"

namespace casebox::tools::query {
namespace {

double percentile(std::vector<double> values, int p) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double at = (static_cast<double>(values.size()) - 1) * p / 100.0;
  const auto low = static_cast<size_t>(std::floor(at));
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

template <typename T>
bool holds(const T& left, Op op, const T& right) {
  switch (op) {
    case Op::kEq: return left == right;
    case Op::kNe: return left != right;
    case Op::kLt: return left < right;
    case Op::kLe: return left <= right;
    case Op::kGt: return left > right;
    case Op::kGe: return left >= right;
  }
  return false;
}

/// "1.10.0" as numbers, so that it comes after "1.9.0".
std::vector<uint64_t> version_of(const std::string& text) {
  std::vector<uint64_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    uint64_t part = 0;
    const auto [next, ec] = std::from_chars(at, end, part);
    if (ec != std::errc()) break;
    out.push_back(part);
    at = next < end ? next + 1 : next;
  }
  return out;
}

/// True, false, or not to be told.
using Truth = std::optional<bool>;

/// Whether it holds for every pair of values in two intervals, for none, or for some.
Truth holds_surely(const Value& left, Op op, const Value& right) {
  const auto less = [](double a_high, double b_low) { return a_high < b_low; };
  const auto less_eq = [](double a_high, double b_low) { return a_high <= b_low; };
  const bool exact = left.low == left.high && right.low == right.high;
  switch (op) {
    case Op::kEq:
    case Op::kNe:
      if (exact) return holds(left.number, op, right.number);
      if (less(left.high, right.low) || less(right.high, left.low)) return op == Op::kNe;
      return std::nullopt;
    case Op::kLt:
      if (less(left.high, right.low)) return true;
      return less_eq(right.high, left.low) ? Truth(false) : std::nullopt;
    case Op::kLe:
      if (less_eq(left.high, right.low)) return true;
      return less(right.high, left.low) ? Truth(false) : std::nullopt;
    case Op::kGt: return holds_surely(right, Op::kLt, left);
    case Op::kGe: return holds_surely(right, Op::kLe, left);
  }
  return std::nullopt;
}

Value computed(char sign, const Value& a, const Value& b) {
  Value out = known(0);
  out.places = a.places;
  out.places.insert(out.places.end(), b.places.begin(), b.places.end());
  const auto apply = [&](double x, double y) {
    switch (sign) {
      case '+': return x + y;
      case '-': return x - y;
      case '*': return x * y;
      default: return x / y;
    }
  };
  if (sign == '/' && b.number == 0) {
    out.state = Value::State::kAbsent;
    return out;
  }
  out.number = apply(a.number, b.number);
  if (sign == '/' && b.low <= 0 && b.high >= 0) {
    out.low = -kInfinity;
    out.high = kInfinity;
    return out;
  }
  const double corners[] = {apply(a.low, b.low), apply(a.low, b.high), apply(a.high, b.low),
                            apply(a.high, b.high)};
  out.low = std::ranges::min(corners);
  out.high = std::ranges::max(corners);
  if (std::ranges::any_of(corners, [](double c) { return std::isnan(c); })) {
    out.low = -kInfinity;
    out.high = kInfinity;
  }
  return out;
}

/// Thresholds of percentiles, by node.
using Thresholds = std::map<const Expr*, double>;

class Evaluator {
 public:
  Evaluator(const Thresholds& thresholds, const Cohort& cohort)
      : thresholds_(thresholds), cohort_(cohort) {}

  struct Told {
    Truth truth;              // by values
    Truth sure;               // by intervals
    Value why;                // where `truth` is not to be told
    std::vector<Row> rows{};  // where it holds
  };

  Told tell(const Expr& expr, const CaseFacts& facts) const {
    switch (expr.kind) {
      case Expr::Kind::kAnd:
      case Expr::Kind::kOr: return chain(expr, facts);
      case Expr::Kind::kNot: {
        Told inner = tell(*expr.children.front(), facts);
        if (inner.truth) inner.truth = !*inner.truth;
        if (inner.sure) inner.sure = !*inner.sure;
        inner.rows.clear();
        return inner;
      }
      case Expr::Kind::kCompare: return compare(expr, facts);
      default: break;
    }
    const Value value = value_of(expr, facts, cohort_);
    if (value.state == Value::State::kNotAsked) return {{}, {}, value};
    Told out{value.holds, value.sure ? Truth(value.holds) : std::nullopt, {}};
    if (value.holds) out.rows = rows(expr, facts, value, std::nullopt, std::nullopt);
    return out;
  }

  Value number(const Expr& expr, const CaseFacts& facts) const {
    switch (expr.kind) {
      case Expr::Kind::kNumber: return known(expr.number);
      case Expr::Kind::kText:
      case Expr::Kind::kDate: return known_text(expr.text);
      case Expr::Kind::kPercentile: return known(thresholds_.at(&expr));
      case Expr::Kind::kNegative: {
        Value out = number(*expr.children.front(), facts);
        out.number = -out.number;
        std::swap(out.low, out.high);
        out.low = -out.low;
        out.high = -out.high;
        return out;
      }
      case Expr::Kind::kArithmetic: {
        Value left = number(*expr.children[0], facts);
        Value right = number(*expr.children[1], facts);
        if (left.state != Value::State::kKnown) return left;
        if (right.state != Value::State::kKnown) return right;
        return computed(expr.sign, left, right);
      }
      default: return value_of(expr, facts, cohort_);
    }
  }

 private:
  Told chain(const Expr& expr, const CaseFacts& facts) const {
    const bool all = expr.kind == Expr::Kind::kAnd;
    Told out{all, all, {}};
    for (const auto& child : expr.children) {
      Told told = tell(*child, facts);
      if (told.sure == Truth(!all)) out.sure = !all;
      if (!told.sure && out.sure == Truth(all)) out.sure.reset();
      if (told.truth == Truth(!all)) out.truth = !all;
      if (!told.truth && out.truth == Truth(all)) {
        out.truth.reset();
        out.why = std::move(told.why);
      }
      if (told.truth == Truth(true))
        out.rows.insert(out.rows.end(), std::make_move_iterator(told.rows.begin()),
                        std::make_move_iterator(told.rows.end()));
    }
    if (out.truth != Truth(true)) out.rows.clear();
    return out;
  }

  Told compare(const Expr& expr, const CaseFacts& facts) const {
    Value left = number(*expr.children[0], facts);
    const Value right = number(*expr.children[1], facts);
    if (left.state == Value::State::kNotAsked) return {{}, {}, left};
    if (right.state == Value::State::kNotAsked) return {{}, {}, right};
    if (left.state == Value::State::kAbsent || right.state == Value::State::kAbsent)
      return {false, false, {}};
    const Type type = expr.children[0]->type;
    Told out{false, false, {}};
    if (type == Type::kNumber) {
      if (std::isnan(right.number)) return out;
      out.truth = holds(left.number, expr.op, right.number);
      out.sure = holds_surely(left, expr.op, right);
      const bool bounded = expr.children[0]->unit == Unit::kSeconds && left.high > left.low &&
                           std::isfinite(left.high - left.low);
      if (*out.truth) {
        left.places.insert(left.places.end(), right.places.begin(), right.places.end());
        out.rows = rows(expr, facts, left, left.number,
                        bounded ? std::optional((left.high - left.low) / 2) : std::nullopt);
      }
      return out;
    }
    for (const std::string& a : left.texts)
      for (const std::string& b : right.texts)
        out.truth =
            *out.truth || (type == Type::kVersion ? holds(version_of(a), expr.op, version_of(b))
                                                  : holds(a, expr.op, b));
    out.sure = out.truth;
    if (*out.truth && !left.places.empty())
      out.rows = rows(expr, facts, left, std::nullopt, std::nullopt);
    return out;
  }

  static std::vector<Row> rows(const Expr& expr, const CaseFacts& facts, const Value& value,
                               std::optional<double> number, std::optional<double> u95_s) {
    std::vector<Row> out;
    const std::string what = expr.text_form();
    for (const Place& place : value.places) {
      Row row{facts.id,
              place.t0_s,
              place.t1_s,
              number,
              place.what.empty() ? what : place.what,
              place.sources,
              place.placed,
              u95_s,
              place.certainty};
      out.push_back(std::move(row));
    }
    if (out.empty() && number)
      out.push_back({facts.id, facts.first_t_s, facts.end_s, number, what, {}, true, u95_s});
    return out;
  }

  const Thresholds& thresholds_;
  const Cohort& cohort_;
};

void resolve(const Expr& expr, const std::vector<CaseFacts>& cases, const Cohort& cohort,
             Thresholds& out) {
  for (const auto& child : expr.children) resolve(*child, cases, cohort, out);
  if (expr.kind != Expr::Kind::kCompare || expr.children[1]->kind != Expr::Kind::kPercentile)
    return;
  const Thresholds none;
  const Evaluator evaluator(none, cohort);
  std::vector<double> values;
  for (const CaseFacts& facts : cases) {
    const Value value = evaluator.number(*expr.children[0], facts);
    if (value.state == Value::State::kKnown) values.push_back(value.number);
  }
  out[expr.children[1].get()] = percentile(values, expr.children[1]->percentile);
}

void plan_percentiles(const Expr& expr, const std::vector<CaseFacts>& cases,
                      const Thresholds& thresholds, std::vector<std::string>& plan) {
  for (const auto& child : expr.children) plan_percentiles(*child, cases, thresholds, plan);
  if (expr.kind != Expr::Kind::kCompare || !thresholds.contains(expr.children[1].get())) return;
  const double value = thresholds.at(expr.children[1].get());
  plan.push_back(expr.children[1]->text_form() + " of " + expr.children[0]->text_form() + " over " +
                 std::to_string(cases.size()) +
                 " cases: " + (std::isnan(value) ? "no case has it" : shortest(value)));
}

std::string group_of(const CaseFacts& facts, By by) {
  const std::string date =
      facts.start_utc_ns == 0 ? "" : rfc3339(UtcTime{facts.start_utc_ns}).substr(0, 10);
  switch (by) {
    case By::kNone: return "";
    case By::kProcedure: return facts.procedure;
    case By::kRoom: return facts.room;
    case By::kState: return facts.state;
    case By::kVerdict: return facts.verdict;
    case By::kNorm: return facts.comparison.ran() ? facts.comparison.norm.id : "";
    case By::kYear: return date.substr(0, std::min<size_t>(4, date.size()));
    case By::kMonth: return date.substr(0, std::min<size_t>(7, date.size()));
    case By::kQuarter:
      return date.empty() ? ""
                          : date.substr(0, 4) + "-Q" +
                                std::to_string((std::stoi(date.substr(5, 2)) + 2) / 3);
  }
  return "";
}

void leave_out(const CaseFacts& facts, const Value& why, Answer& answer) {
  answer.not_asked.push_back({facts.id, why.why, why.reason});
  switch (why.why) {
    case Why::kSealed: ++answer.unknown; break;
    case Why::kRefused: ++answer.refused; break;
    case Why::kUnanalysed: ++answer.unanalysed; break;
    case Why::kWithheld: ++answer.withheld; break;
    case Why::kNotRecorded:
    case Why::kUndated: ++answer.unrecorded; break;
  }
}

}  // namespace

Result<By> by_from(const std::string& text) {
  static const std::map<std::string, By> kKnown = {
      {"", By::kNone},       {"procedure", By::kProcedure}, {"room", By::kRoom},
      {"state", By::kState}, {"verdict", By::kVerdict},     {"norm", By::kNorm},
      {"year", By::kYear},   {"quarter", By::kQuarter},     {"month", By::kMonth}};
  if (const auto it = kKnown.find(text); it != kKnown.end()) return it->second;
  std::set<std::string> names;
  for (const auto& [name, by] : kKnown)
    if (!name.empty()) names.insert(name);
  return Error{Code::kInvalidArgument,
               "--by: nothing is grouped by '" + text + "'" + suggestion(text, names)};
}

Answer evaluate(const Expr& expr, const std::vector<CaseFacts>& cases, By by) {
  Answer answer;
  const Cohort cohort = cohort_of(cases);
  Thresholds thresholds;
  resolve(expr, cases, cohort, thresholds);
  answer.plan.push_back("condition: " + (expr.children.empty() && expr.kind == Expr::Kind::kAnd
                                             ? std::string("every case")
                                             : expr.text_form()));
  plan_percentiles(expr, cases, thresholds, answer.plan);
  const Evaluator evaluator(thresholds, cohort);
  for (const CaseFacts& facts : cases) {
    ++answer.scanned;
    Evaluator::Told told = evaluator.tell(expr, facts);
    Group* group = by == By::kNone ? nullptr : &answer.groups[group_of(facts, by)];
    if (group != nullptr) ++(told.truth ? group->asked : group->not_asked);
    if (!told.truth) {
      leave_out(facts, told.why, answer);
      continue;
    }
    const bool sure = told.sure == told.truth;
    if (!*told.truth) {
      answer.unsure_misses += !sure;
      continue;
    }
    answer.unsure_matches += !sure;
    if (group != nullptr) ++group->matching;
    answer.cases.push_back(facts.id);
    if (told.rows.empty())
      told.rows.push_back({facts.id, facts.first_t_s, facts.end_s, std::nullopt, "case", {}});
    for (Row& row : told.rows) {
      row.sure = sure;
      answer.rows.push_back(std::move(row));
    }
  }
  return answer;
}

}  // namespace casebox::tools::query
