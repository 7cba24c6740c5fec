#pragma once

// What the query language can ask about: each term with its arguments, its parts, their types and
// units. The parser, the check of names, the evaluation and `query --help` all read this table.
//
// Thread safety: constants.

#include <cstdint>
#include <string_view>
#include <vector>

namespace casebox::tools::query {

enum class Term : uint8_t {
  kProcedure,
  kRoom,
  kState,
  kVerdict,
  kPhaseSource,
  kNorm,
  kDate,
  kDuration,
  kGaps,
  kPhase,
  kStep,
  kSpan,
  kDeparture,
  kEvent,
  kAlarm,
  kDoor,
  kMark,
  kChecklist,
  kVitals,
  kClock,
  kWithheld,
  kCompared,
  kConsent,
  kTwin,
};

enum class Part : uint8_t {
  kNone,
  kDuration,
  kStart,
  kEnd,
  kEntries,
  kCount,
  kFirst,
  kLast,
  kCertainty,
  kValue,
  kPriority,
  kComplete,
  kMin,
  kMax,
  kMean,
  kId,
  kVersion,
  kBroken,
  kSets,
  kBound,
  kForecasts,
  kLate,
  kCoverage90,
  kMissing,
  kStated,
};

enum class Type : uint8_t { kBool, kText, kDate, kVersion, kNumber };
/// Of numbers: what may be added to and compared with what. A literal without a unit fits all.
enum class Unit : uint8_t { kAny, kSeconds, kCount, kShare, kMeasured };

/// Whose names an argument, or the text that a term is compared with, is one of.
enum class Names : uint8_t {
  kNone,
  kProcedure,
  kRoom,
  kState,
  kVerdict,
  kPhaseSource,
  kNormName,
  kNormId,
  kPhase,
  kStep,
  kSpan,
  kDeviation,
  kDepartedStep,
  kCertainty,
  kValue,
  kEvent,
  kAlarm,
  kPriority,
  kMark,
  kMarkLabel,
  kChecklist,
  kChannel,
  kScope,
};

struct PartOf {
  Part part;
  const char* name;
  Type type;
  Unit unit = Unit::kAny;
  Names names = Names::kNone;  // of a text: what it is compared with
};

struct TermOf {
  Term term;
  const char* name;
  uint8_t least = 0;          // arguments that must be there
  std::vector<Names> args;    // all that may be
  bool within = false;        // `within phase("...")` may follow
  std::vector<PartOf> parts;  // Part::kNone: the term may stand without a part
};

const std::vector<TermOf>& terms();
const TermOf& term_of(Term term);
const TermOf* find_term(std::string_view name);
const PartOf* find_part(const TermOf& term, Part part);
const char* to_string(Unit unit);  // "a time (s)", "a number of things" ...
/// What names of this kind are called: "phase", "kind of departure".
const char* to_string(Names names);

}  // namespace casebox::tools::query
