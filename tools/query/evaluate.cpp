#include "tools/query/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "tools/cli/names.h"

namespace casebox::tools::query {
namespace {

constexpr double kNoThreshold = std::numeric_limits<double>::quiet_NaN();

double percentile(std::vector<double> values, int p) {
  if (values.empty()) return kNoThreshold;
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

std::string text_of(const CaseFacts& facts, Field field) {
  switch (field) {
    case Field::kProcedure: return facts.procedure;
    case Field::kRoom: return facts.room;
    case Field::kState: return facts.state;
    case Field::kDate: return rfc3339(UtcTime{facts.start_utc_ns}).substr(0, 10);
    default: return "";
  }
}

/// Thresholds of percentile comparisons, by node.
using Thresholds = std::map<const Expr*, double>;

void resolve(const Expr& expr, const std::vector<CaseFacts>& cases, Thresholds& out) {
  for (const auto& child : expr.children) resolve(*child, cases, out);
  if (expr.percentile == 0) return;
  std::vector<double> values;
  for (const CaseFacts& facts : cases)
    if (auto v = number_of(facts, expr.field, expr.label)) values.push_back(*v);
  out[&expr] = percentile(std::move(values), expr.percentile);
}

class Evaluator {
 public:
  explicit Evaluator(const Thresholds& thresholds) : thresholds_(thresholds) {}

  /// True if it holds; the places that made it hold are added to `rows`.
  bool holds_for(const Expr& expr, const CaseFacts& facts, std::vector<Row>& rows) const {
    switch (expr.kind) {
      case Expr::Kind::kAnd: {
        std::vector<Row> found;
        for (const auto& child : expr.children)
          if (!holds_for(*child, facts, found)) return false;
        rows.insert(rows.end(), found.begin(), found.end());
        return true;
      }
      case Expr::Kind::kOr: {
        bool any = false;
        for (const auto& child : expr.children) any |= holds_for(*child, facts, rows);
        return any;
      }
      case Expr::Kind::kNot: {
        std::vector<Row> unused;
        return !holds_for(*expr.children.front(), facts, unused);
      }
      case Expr::Kind::kCompare: return compare(expr, facts, rows);
      case Expr::Kind::kPhase: return phase_rows(expr, facts, std::nullopt, rows);
      case Expr::Kind::kDeparture: return departure(expr, facts, rows);
    }
    return false;
  }

 private:
  bool compare(const Expr& expr, const CaseFacts& facts, std::vector<Row>& rows) const {
    if (is_text(expr.field)) return holds(text_of(facts, expr.field), expr.op, expr.text);
    const auto value = number_of(facts, expr.field, expr.label);
    const auto threshold = thresholds_.find(&expr);
    const double right = threshold == thresholds_.end() ? expr.number : threshold->second;
    if (!value || std::isnan(right) || !holds(*value, expr.op, right)) return false;
    if (expr.field >= Field::kPhaseDuration) return phase_rows(expr, facts, value, rows);
    rows.push_back({facts.id, facts.first_t_s, facts.end_s, value, expr.text_form(), {}});
    return true;
  }

  static bool phase_rows(const Expr& expr, const CaseFacts& facts, std::optional<double> value,
                         std::vector<Row>& rows) {
    bool any = false;
    for (const PhaseFact& phase : facts.phases) {
      if (phase.label != expr.label) continue;
      any = true;
      rows.push_back(
          {facts.id, phase.t0_s, phase.t1_s, value, expr.text_form(), phase.sources, phase.placed});
    }
    return any;
  }

  static bool departure(const Expr& expr, const CaseFacts& facts, std::vector<Row>& rows) {
    bool any = false;
    for (const DepartureFact& fact : facts.departures) {
      if (!expr.label.empty() && fact.deviation != expr.label) continue;
      if (!expr.step.empty() && fact.step != expr.step) continue;
      any = true;
      rows.push_back({facts.id, fact.t0_s, fact.t1_s, std::nullopt,
                      fact.deviation + (fact.step.empty() ? "" : " " + fact.step), fact.sources,
                      fact.placed});
    }
    return any;
  }

  const Thresholds& thresholds_;
};

/// Whether a condition is about a time of this case that is withheld: then neither it nor its
/// opposite holds.
bool asks_withheld(const Expr& expr, const CaseFacts& facts) {
  if (std::ranges::any_of(expr.children,
                          [&](const auto& child) { return asks_withheld(*child, facts); }))
    return true;
  if (expr.kind != Expr::Kind::kCompare || expr.field < Field::kPhaseDuration ||
      expr.field == Field::kPhaseEntries)
    return false;
  return std::ranges::any_of(facts.phases, [&](const PhaseFact& phase) {
    return phase.label == expr.label &&
           (!phase.placed || (expr.field == Field::kPhaseDuration && !facts.withheld.empty()));
  });
}

}  // namespace

std::optional<double> number_of(const CaseFacts& facts, Field field, const std::string& label) {
  if (field == Field::kDuration) return facts.duration_s;
  if (field == Field::kGaps) return static_cast<double>(facts.gap_frames);
  double sum = 0, first = 0, last = 0;
  int entries = 0;
  for (const PhaseFact& phase : facts.phases) {
    if (phase.label != label) continue;
    if (field != Field::kPhaseEntries && !phase.placed) return std::nullopt;
    first = entries == 0 ? phase.t0_s : std::min(first, phase.t0_s);
    last = entries == 0 ? phase.t1_s : std::max(last, phase.t1_s);
    sum += phase.t1_s - phase.t0_s;
    ++entries;
  }
  if (entries == 0)
    return field == Field::kPhaseEntries && !facts.sealed ? std::optional(0.0) : std::nullopt;
  switch (field) {
    case Field::kPhaseDuration: return facts.withheld.empty() ? std::optional(sum) : std::nullopt;
    case Field::kPhaseStart: return first;
    case Field::kPhaseEnd: return last;
    case Field::kPhaseEntries: return entries;
    default: return std::nullopt;
  }
}

Answer evaluate(const Expr& expr, const std::vector<CaseFacts>& cases) {
  Answer answer;
  Thresholds thresholds;
  resolve(expr, cases, thresholds);
  answer.plan.push_back("condition: " + (expr.children.empty() && expr.kind == Expr::Kind::kAnd
                                             ? std::string("every case")
                                             : expr.text_form()));
  for (const auto& [node, value] : thresholds)
    answer.plan.push_back("p" + std::to_string(node->percentile) + " of " +
                          to_string(node->field, node->label) + " over " +
                          std::to_string(cases.size()) +
                          " cases: " + (std::isnan(value) ? "no case has it" : shortest(value)));
  const bool content = expr.needs_phases() || expr.needs_departures();
  const Evaluator evaluator(thresholds);
  for (const CaseFacts& facts : cases) {
    ++answer.scanned;
    if (content && facts.sealed) {
      ++answer.unknown;
      continue;
    }
    if ((expr.needs_phases() && !facts.phases_known) ||
        (expr.needs_departures() && !facts.departures_known)) {
      ++answer.unanalysed;
      continue;
    }
    if (asks_withheld(expr, facts)) {
      ++answer.withheld;
      continue;
    }
    std::vector<Row> rows;
    if (!evaluator.holds_for(expr, facts, rows)) continue;
    answer.cases.push_back(facts.id);
    if (rows.empty())
      rows.push_back({facts.id, facts.first_t_s, facts.end_s, std::nullopt, "case", {}});
    answer.rows.insert(answer.rows.end(), rows.begin(), rows.end());
  }
  return answer;
}

}  // namespace casebox::tools::query
