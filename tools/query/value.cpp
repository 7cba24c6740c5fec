#include "tools/query/value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/cli/names.h"
#include "tools/query/moment_values.h"
#include "tools/query/values.h"

namespace casebox::tools::query {
namespace {

Value header_value(const Expr& term, const CaseFacts& facts) {
  switch (term.term) {
    case Term::kProcedure: return known_text(facts.procedure);
    case Term::kRoom: return known_text(facts.room);
    case Term::kState: return known_text(facts.state);
    case Term::kVerdict: return known_text(facts.verdict);
    case Term::kDate:
      if (facts.start_utc_ns == 0) return not_asked(Why::kUndated, "it has no date");
      return known_text(rfc3339(UtcTime{facts.start_utc_ns}).substr(0, 10));
    default: break;
  }
  Value out = term.term == Term::kDuration ? known(facts.duration_s)
                                           : known(static_cast<double>(facts.gap_frames));
  out.places.push_back({facts.first_t_s, facts.end_s, true, "", "", {}});
  return out;
}

Value missing_value(const CaseFacts& facts) {
  Value out = known(0);
  for (const GapFact& gap : facts.gaps) {
    out.number += static_cast<double>(gap.missing.value_or(0));
    if (!gap.missing) out.high = kInfinity;
    out.places.push_back({gap.t0_s, gap.t1_s, true, "", "", {gap.source}});
  }
  out.low = out.number;
  out.high = std::max(out.high, out.number);
  return out;
}

const char* level_of(Term term) {
  return term == Term::kPhase ? "phase" : term == Term::kStep ? "step" : "mark";
}

Value interval_value(const Expr& term, const CaseFacts& facts) {
  if (!facts.phases_known)
    return not_asked(Why::kUnanalysed, "nobody has annotated, marked or searched its phases");
  const std::string level = level_of(term.term);
  if (term.term != Term::kPhase &&
      std::ranges::find(facts.phases, level, &PhaseFact::level) == facts.phases.end())
    return not_asked(
        Why::kUnanalysed,
        "nobody has annotated " + std::string(level == "step" ? "steps" : "spans") + " in it");
  Value out;
  double below = 0, above = 0;  // squares of how far the value may lie to either side
  int entries = 0;
  for (const PhaseFact& phase : facts.phases) {
    if (phase.label != term.args.front().text || phase.level != level) continue;
    out.places.push_back({phase.t0_s, phase.t1_s, phase.placed, "", "", phase.sources});
    const bool time = term.part != Part::kNone && term.part != Part::kEntries;
    if (time && (!phase.placed || (term.part == Part::kDuration && !facts.withheld.empty())))
      return not_asked(Why::kWithheld,
                       facts.withheld.empty() ? "its times are withheld" : facts.withheld.front());
    constexpr Bound kAnywhere{-kInfinity, kInfinity};
    const Bound start = phase.start.value_or(kAnywhere);
    const Bound end = phase.open ? kAnywhere : phase.end.value_or(kAnywhere);
    const auto square = [](double x) { return x * x; };
    if (term.part == Part::kDuration) {
      out.number += phase.t1_s - phase.t0_s;
      below += square(start.high_s - phase.t0_s) + square(phase.t1_s - end.low_s);
      above += square(phase.t0_s - start.low_s) + square(end.high_s - phase.t1_s);
    }
    if (term.part == Part::kStart && (entries == 0 || phase.t0_s < out.number)) {
      out.number = phase.t0_s;
      below = square(phase.t0_s - start.low_s);
      above = square(start.high_s - phase.t0_s);
    }
    if (term.part == Part::kEnd && (entries == 0 || phase.t1_s > out.number)) {
      out.number = phase.t1_s;
      below = square(phase.t1_s - end.low_s);
      above = square(end.high_s - phase.t1_s);
    }
    ++entries;
  }
  if (term.part == Part::kNone) return holding(entries > 0, std::move(out.places));
  if (term.part == Part::kEntries) return known(entries, std::move(out.places));
  if (entries == 0) return out;
  out.state = Value::State::kKnown;
  out.low = out.number - std::sqrt(below);
  out.high = out.number + std::sqrt(above);
  return out;
}

Value departure_value(const Expr& term, const CaseFacts& facts) {
  if (!facts.departures_known)
    return not_asked(Why::kUnanalysed, why_not_compared(facts.comparison));
  const auto asked = [&](size_t index) {
    return index < term.args.size() ? term.args[index].text : std::string();
  };
  const std::string kind = asked(0), step = asked(1), certainty = asked(2);
  Value out;
  out.state = Value::State::kKnown;
  double all = 0, sure = 0;
  for (const DepartureFact& one : facts.departures) {
    if (!kind.empty() && one.deviation != kind) continue;
    if (!step.empty() && one.step != step) continue;
    if (!certainty.empty() && one.certainty != certainty) continue;
    ++all;
    sure += !certainty.empty() || (one.certainty != "ambiguous" && !one.certainty.empty());
    if (term.part == Part::kCertainty) out.texts.push_back(one.certainty);
    if (term.part == Part::kValue && !one.value.empty()) out.texts.push_back(one.value);
    out.places.push_back({one.t0_s, one.t1_s, one.placed,
                          one.deviation + (one.step.empty() ? "" : " " + one.step), one.certainty,
                          one.sources});
  }
  const bool judged = facts.comparison.judged;
  if (term.part == Part::kNone) {
    Value holds = holding(all > 0, std::move(out.places));
    holds.sure = all > 0 ? sure > 0 : judged;
    return holds;
  }
  if (term.part != Part::kCount) return out;
  out.number = all;
  out.low = sure;
  out.high = judged ? all : kInfinity;
  return out;
}

Value norm_value(const Expr& term, const CaseFacts& facts) {
  if (term.term == Term::kCompared) return holding(facts.comparison.ran(), {});
  if (!facts.comparison.ran())
    return not_asked(Why::kUnanalysed, why_not_compared(facts.comparison));
  const std::string& name = facts.comparison.norm.id;
  const size_t at = name.rfind('@');
  if (term.part == Part::kId) return known_text(name.substr(0, at));
  if (term.part == Part::kVersion)
    return known_text(at == std::string::npos ? "" : name.substr(at + 1));
  return known_text(name);
}

Value clock_value(const Expr& term, const CaseFacts& facts) {
  double broken = 0, sets = 0;
  std::optional<double> bound;
  for (const ClockFact& clock : facts.clocks) {
    broken += clock.broken;
    sets += static_cast<double>(clock.sets);
    if (clock.u95_s) bound = std::max(bound.value_or(0), *clock.u95_s);
  }
  switch (term.part) {
    case Part::kBroken: return known(broken);
    case Part::kSets: return known(sets);
    case Part::kBound: return bound ? known(*bound) : Value();
    default: return known(static_cast<double>(facts.clocks.size()));
  }
}

Value consent_value(const Expr& term, const CaseFacts& facts) {
  if (term.part == Part::kStated) return holding(facts.consent_stated, {});
  if (term.args.empty()) return holding(!facts.consent.empty(), {});
  const auto scope = scope_from(term.args.front().text);
  return holding(scope && facts.consent.contains(name_of(*scope)), {});
}

Value twin_value(const Expr& term, const CaseFacts& facts) {
  if (!facts.twin.known) return not_asked(Why::kUnanalysed, facts.twin.reason);
  switch (term.part) {
    case Part::kForecasts: return known(static_cast<double>(facts.twin.forecasts));
    case Part::kLate: return known(static_cast<double>(facts.twin.late));
    case Part::kCoverage90: return facts.twin.coverage90 ? known(*facts.twin.coverage90) : Value();
    default: return holding(facts.twin.forecasts > 0, {});
  }
}

}  // namespace

Value value_of(const Expr& term, const CaseFacts& facts, const Cohort& cohort) {
  const bool header = term.term == Term::kProcedure || term.term == Term::kRoom ||
                      term.term == Term::kState || term.term == Term::kVerdict ||
                      term.term == Term::kDate || term.term == Term::kDuration ||
                      (term.term == Term::kGaps && term.part == Part::kNone);
  if (header) return header_value(term, facts);
  if (facts.sealed)
    return not_asked(Why::kSealed, facts.sealed_why.empty() ? "no key opens it" : facts.sealed_why);
  switch (term.term) {
    case Term::kGaps: return missing_value(facts);
    case Term::kPhase:
    case Term::kStep:
    case Term::kSpan: return interval_value(term, facts);
    case Term::kPhaseSource:
      if (!facts.phases_known)
        return not_asked(Why::kUnanalysed, "nobody has annotated, marked or searched its phases");
      return known_text(facts.phase_source);
    case Term::kWithheld:
      if (!facts.phases_known)
        return not_asked(Why::kUnanalysed, "nobody has annotated, marked or searched its phases");
      return holding(!facts.withheld.empty(), {});
    case Term::kDeparture: return departure_value(term, facts);
    case Term::kNorm:
    case Term::kCompared: return norm_value(term, facts);
    case Term::kEvent:
    case Term::kAlarm:
    case Term::kDoor:
    case Term::kMark:
    case Term::kChecklist: return moment_value(term, facts, cohort);
    case Term::kVitals: return vital_value(term, facts, cohort);
    case Term::kClock: return clock_value(term, facts);
    case Term::kConsent: return consent_value(term, facts);
    case Term::kTwin: return twin_value(term, facts);
    default: return {};
  }
}

}  // namespace casebox::tools::query
