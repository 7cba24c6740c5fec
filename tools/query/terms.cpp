#include "tools/query/terms.h"

#include <algorithm>

namespace casebox::tools::query {

const std::vector<TermOf>& terms() {
  const PartOf is{Part::kNone, "", Type::kBool};
  const PartOf count{Part::kCount, "count", Type::kNumber, Unit::kCount};
  const PartOf first{Part::kFirst, "first", Type::kNumber, Unit::kSeconds};
  const PartOf last{Part::kLast, "last", Type::kNumber, Unit::kSeconds};
  const std::vector<PartOf> span = {{Part::kDuration, "duration", Type::kNumber, Unit::kSeconds},
                                    {Part::kStart, "start", Type::kNumber, Unit::kSeconds},
                                    {Part::kEnd, "end", Type::kNumber, Unit::kSeconds},
                                    {Part::kEntries, "entries", Type::kNumber, Unit::kCount},
                                    is};
  const auto text = [](Names names) { return PartOf{Part::kNone, "", Type::kText, {}, names}; };
  static const std::vector<TermOf> all = {
      {Term::kProcedure, "procedure", 0, {}, false, {text(Names::kProcedure)}},
      {Term::kRoom, "room", 0, {}, false, {text(Names::kRoom)}},
      {Term::kState, "state", 0, {}, false, {text(Names::kState)}},
      {Term::kVerdict, "verdict", 0, {}, false, {text(Names::kVerdict)}},
      {Term::kPhaseSource, "phase_source", 0, {}, false, {text(Names::kPhaseSource)}},
      {Term::kNorm,
       "norm",
       0,
       {},
       false,
       {text(Names::kNormName),
        {Part::kId, "id", Type::kText, {}, Names::kNormId},
        {Part::kVersion, "version", Type::kVersion}}},
      {Term::kDate, "date", 0, {}, false, {{Part::kNone, "", Type::kDate}}},
      {Term::kDuration,
       "duration",
       0,
       {},
       false,
       {{Part::kNone, "", Type::kNumber, Unit::kSeconds}}},
      {Term::kGaps,
       "gaps",
       0,
       {},
       false,
       {{Part::kNone, "", Type::kNumber, Unit::kCount},
        {Part::kMissing, "missing", Type::kNumber, Unit::kCount}}},
      {Term::kPhase, "phase", 1, {Names::kPhase}, false, span},
      {Term::kStep, "step", 1, {Names::kStep}, false, span},
      {Term::kSpan, "span", 1, {Names::kSpan}, false, span},
      {Term::kDeparture,
       "departure",
       0,
       {Names::kDeviation, Names::kDepartedStep, Names::kCertainty},
       false,
       {is,
        count,
        {Part::kCertainty, "certainty", Type::kText, {}, Names::kCertainty},
        {Part::kValue, "value", Type::kText, {}, Names::kValue}}},
      {Term::kEvent, "event", 1, {Names::kEvent}, true, {is, count, first, last}},
      {Term::kAlarm,
       "alarm",
       0,
       {Names::kAlarm},
       true,
       {is, count, first, last, {Part::kPriority, "priority", Type::kText, {}, Names::kPriority}}},
      {Term::kDoor, "door", 0, {}, true, {is, count, first, last}},
      {Term::kMark, "mark", 1, {Names::kMark, Names::kMarkLabel}, true, {is, count, first, last}},
      {Term::kChecklist,
       "checklist",
       1,
       {Names::kChecklist},
       true,
       {is, count, first, last, {Part::kComplete, "complete", Type::kBool}}},
      {Term::kVitals,
       "vitals",
       1,
       {Names::kChannel},
       true,
       {{Part::kMin, "min", Type::kNumber, Unit::kMeasured},
        {Part::kMax, "max", Type::kNumber, Unit::kMeasured},
        {Part::kMean, "mean", Type::kNumber, Unit::kMeasured},
        count}},
      {Term::kClock,
       "clock",
       0,
       {},
       false,
       {count,
        {Part::kBroken, "broken", Type::kNumber, Unit::kCount},
        {Part::kSets, "sets", Type::kNumber, Unit::kCount},
        {Part::kBound, "bound", Type::kNumber, Unit::kSeconds}}},
      {Term::kWithheld, "withheld", 0, {}, false, {is}},
      {Term::kCompared, "compared", 0, {}, false, {is}},
      {Term::kConsent,
       "consent",
       0,
       {Names::kScope},
       false,
       {is, {Part::kStated, "stated", Type::kBool}}},
      {Term::kTwin,
       "twin",
       0,
       {},
       false,
       {is,
        {Part::kForecasts, "forecasts", Type::kNumber, Unit::kCount},
        {Part::kLate, "late", Type::kNumber, Unit::kCount},
        {Part::kCoverage90, "coverage90", Type::kNumber, Unit::kShare}}},
  };
  return all;
}

const TermOf& term_of(Term term) { return *std::ranges::find(terms(), term, &TermOf::term); }

const TermOf* find_term(std::string_view name) {
  const auto it =
      std::ranges::find_if(terms(), [&](const TermOf& one) { return one.name == name; });
  return it == terms().end() ? nullptr : &*it;
}

const PartOf* find_part(const TermOf& term, Part part) {
  const auto it = std::ranges::find(term.parts, part, &PartOf::part);
  return it == term.parts.end() ? nullptr : &*it;
}

const char* to_string(Unit unit) {
  switch (unit) {
    case Unit::kAny: return "a number";
    case Unit::kSeconds: return "a time (s)";
    case Unit::kCount: return "a count";
    case Unit::kShare: return "a share (0 to 1)";
    case Unit::kMeasured: return "a measured value";
  }
  return "";
}

const char* to_string(Names names) {
  switch (names) {
    case Names::kNone: return "name";
    case Names::kProcedure: return "procedure";
    case Names::kRoom: return "room";
    case Names::kState: return "state";
    case Names::kVerdict: return "verdict";
    case Names::kPhaseSource: return "source of phases";
    case Names::kNormName:
    case Names::kNormId: return "norm";
    case Names::kPhase: return "phase";
    case Names::kStep: return "annotated step";
    case Names::kSpan: return "annotated span";
    case Names::kDeviation: return "departure";
    case Names::kDepartedStep: return "step of a norm";
    case Names::kCertainty: return "certainty";
    case Names::kValue: return "value of a norm";
    case Names::kEvent: return "event";
    case Names::kAlarm: return "alarm";
    case Names::kPriority: return "priority of an alarm";
    case Names::kMark: return "mark";
    case Names::kMarkLabel: return "label of a mark";
    case Names::kChecklist: return "checklist";
    case Names::kChannel: return "numeric channel";
    case Names::kScope: return "scope of consent";
  }
  return "";
}

}  // namespace casebox::tools::query
