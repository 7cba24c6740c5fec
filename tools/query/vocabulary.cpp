#include "tools/query/vocabulary.h"

#include <functional>

#include "tools/cli/names.h"
#include "tools/cli/nearest.h"
#include "tools/config/protocol_yaml.h"
#include "tools/query/lexer.h"

namespace casebox::tools {

/// Generated from deploy/protocols (tools/CMakeLists.txt).
extern const std::map<std::string, std::string> kBuiltInProtocols;

namespace query {
namespace {

using analytics::facts::Moment;
using analytics::facts::MomentKind;

void add_moment(const Moment& moment, Vocabulary& out) {
  switch (moment.kind) {
    case MomentKind::kAlarm:
      out.see(Names::kAlarm, moment.code);
      out.askable.insert(Names::kAlarm);
      return;
    case MomentKind::kMark:
      out.see(Names::kMark, moment.code);
      out.see(Names::kMarkLabel, moment.label);
      return;
    case MomentKind::kChecklist: out.see(Names::kChecklist, moment.code); return;
    default: out.see(Names::kEvent, moment.code);
  }
}

void add_intervals(const CaseFacts& facts, Vocabulary& out) {
  for (const PhaseFact& phase : facts.phases) {
    const Names names = phase.level == "phase"  ? Names::kPhase
                        : phase.level == "step" ? Names::kStep
                                                : Names::kSpan;
    out.see(names, phase.label);
    out.askable.insert(names);
  }
  if (facts.phases_known) out.askable.insert(Names::kPhase);
}

void add_comparison(const CaseFacts& facts, Vocabulary& out) {
  if (!facts.departures_known || !facts.comparison.ran()) return;
  out.askable.insert({Names::kDepartedStep, Names::kValue, Names::kNormName, Names::kNormId});
  const std::string& name = facts.comparison.norm.id;
  out.see(Names::kNormName, name);
  out.see(Names::kNormId, name.substr(0, name.rfind('@')));
  for (const DepartureFact& one : facts.departures) {
    out.see(Names::kDepartedStep, one.step);
    out.see(Names::kValue, one.value);
  }
  if (facts.comparison.weights)
    for (const std::string& value : facts.comparison.weights->values.ids)
      out.see(Names::kValue, value);
}

void add_watched(const CaseFacts& facts, Vocabulary& out) {
  for (const MomentKind kind : facts.moments.watched) switch (kind) {
      case MomentKind::kAlarm: out.askable.insert(Names::kAlarm); break;
      case MomentKind::kMark:
      case MomentKind::kChecklist:
        out.askable.insert({Names::kMark, Names::kMarkLabel, Names::kChecklist});
        break;
      default: out.askable.insert(Names::kEvent);
    }
}

/// Kinds of names that are the program's own: always checked.
bool is_own(Names names) {
  switch (names) {
    case Names::kState:
    case Names::kVerdict:
    case Names::kPhaseSource:
    case Names::kDeviation:
    case Names::kCertainty:
    case Names::kPriority:
    case Names::kScope: return true;
    default: return false;
  }
}

Result<void> check_one(Names names, const std::string& text, size_t at, bool optional,
                       std::string_view question, const Vocabulary& vocabulary) {
  if (names == Names::kNone || (optional && text.empty())) return ok();
  if (!is_own(names) && !vocabulary.askable.contains(names)) return ok();
  static const std::set<std::string> kNothing;
  const auto found = vocabulary.known.find(names);
  const std::set<std::string>& known = found == vocabulary.known.end() ? kNothing : found->second;
  if (known.contains(text)) return ok();
  if (names == Names::kScope && scope_from(text)) return ok();
  const std::string what =
      is_own(names) ? std::string("there is no ") + to_string(names) + " \"" + text + "\""
                    : std::string("no case here and no norm has the ") + to_string(names) + " \"" +
                          text + "\"";
  return error_at(question, at, what + suggestion(text, known));
}

/// Every name in quotes: of arguments, of phases after `within`, of texts compared with.
void for_each_name(const Expr& expr,
                   const std::function<void(Names, const Name&, bool optional)>& visit) {
  for (const auto& child : expr.children) for_each_name(*child, visit);
  if (expr.kind == Expr::Kind::kTerm) {
    const TermOf& term = term_of(expr.term);
    for (size_t i = 0; i < expr.args.size(); ++i)
      visit(term.args[i], expr.args[i], i >= term.least);
    if (expr.within) visit(Names::kPhase, *expr.within, false);
  }
  if (expr.kind != Expr::Kind::kCompare) return;
  const Expr& left = *expr.children[0];
  const Expr& right = *expr.children[1];
  if (left.kind == Expr::Kind::kTerm && right.kind == Expr::Kind::kText)
    visit(find_part(term_of(left.term), left.part)->names, {right.text, right.at}, false);
}

}  // namespace

void add_norm(const v1::Protocol& norm, Vocabulary& out) {
  out.add(Names::kProcedure, norm.procedure());
  out.add(Names::kNormId, norm.id());
  out.add(Names::kNormName, norm.id() + "@" + norm.version());
  for (const v1::ProtocolValue& value : norm.values()) out.add(Names::kValue, value.id());
  for (const v1::ProtocolStep& step : norm.steps()) {
    out.add(Names::kDepartedStep, step.id());
    std::set<std::string> labels(step.activities().begin(), step.activities().end());
    labels.insert(step.id());
    for (const std::string& stream : step.observed_by())
      for (const std::string& label : labels) {
        if (stream == "annotation.phases" || stream == "instrument.use")
          out.add(Names::kPhase, label);
        if (stream == "team.marks") {
          out.add(Names::kMark, label);
          out.add(Names::kMarkLabel, label);
        }
      }
  }
}

Vocabulary own_vocabulary() {
  Vocabulary out;
  for (const char* name : {"open", "closed", "unclosed"}) out.add(Names::kState, name);
  for (int i = 0; i <= static_cast<int>(verify::Verdict::kTampered); ++i)
    out.add(Names::kVerdict, verify::to_string(static_cast<verify::Verdict>(i)));
  for (const char* name : {"annotated", "found", "marked"}) out.add(Names::kPhaseSource, name);
  for (const char* name : {"missing", "extra", "order", "time", "unobserved", "justified"})
    out.add(Names::kDeviation, name);
  for (const char* name : {"certain", "ambiguous", "unobserved", "justified"})
    out.add(Names::kCertainty, name);
  for (const char* name : {"low", "medium", "high"}) out.add(Names::kPriority, name);
  for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i)
    out.add(Names::kScope, name_of(static_cast<v1::ConsentScope>(i)));
  for (const char* name : {"phase.begin", "phase.end", "step.done", "reason"})
    out.add(Names::kMark, name);
  for (const auto& [id, text] : kBuiltInProtocols)
    if (const auto file = read_protocol(text, id)) add_norm(file->protocol, out);
  return out;
}

void add_cases(const std::vector<CaseFacts>& cases, Vocabulary& out) {
  for (const CaseFacts& facts : cases) {
    out.askable.insert({Names::kProcedure, Names::kRoom});
    out.see(Names::kProcedure, facts.procedure);
    out.see(Names::kRoom, facts.room);
    if (facts.sealed) continue;
    add_intervals(facts, out);
    add_comparison(facts, out);
    add_watched(facts, out);
    for (const Moment& moment : facts.moments.all) add_moment(moment, out);
    for (const std::string& name : facts.vital_names) {
      out.askable.insert(Names::kChannel);
      out.see(Names::kChannel, name);
      out.see(Names::kChannel, name.substr(name.rfind('/') + 1));
    }
  }
}

Result<void> check_names(const Expr& expr, std::string_view question,
                         const Vocabulary& vocabulary) {
  Result<void> out = ok();
  for_each_name(expr, [&](Names names, const Name& name, bool optional) {
    if (out) out = check_one(names, name.text, name.at, optional, question, vocabulary);
  });
  return out;
}

std::vector<std::string> names_to_doubt(const Expr& expr, const Vocabulary& vocabulary) {
  std::vector<std::string> out;
  for_each_name(expr, [&](Names names, const Name& name, bool) {
    const auto seen = vocabulary.seen.find(names);
    if (is_own(names) || seen == vocabulary.seen.end() || seen->second.contains(name.text)) return;
    const std::string best = nearest(name.text, {seen->second.begin(), seen->second.end()});
    if (!best.empty() && !name.text.empty())
      out.push_back(std::string("no case here has the ") + to_string(names) + " \"" + name.text +
                    "\", only a norm; did you mean \"" + best + "\"?");
  });
  return out;
}

}  // namespace query
}  // namespace casebox::tools
