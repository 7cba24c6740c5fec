#pragma once

// Where a case left the agreed pathway, how certain that is, and what else would explain it.
// The method in words: docs/conformance.md.
//
// A departure is one of: missing, extra, order (done, but not in its place), time (longer or later
// than a limit), unobserved (missing, but nothing that can show it watched all the time it could
// have been done), justified (a reason was recorded: shown, never scored). It is certain when every
// cheapest explanation of the case has it and, where the step is missing, what can show it watched
// throughout and would hardly have missed it. Even then the sentence says only what was not seen:
// that people did not mark a step, that it left no trace in a stream, that it is not in a log.
//
// Thread safety: conform() is a pure function; a Conformer belongs to one thread (it caches
// variants). Units: case time in ns; cost in `Options::unit`s.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "analytics/protocol/norm.h"
#include "casebox/v1/finding.pb.h"

namespace casebox::analytics::conformance {

enum class Kind : uint8_t { kMissing, kExtra, kOrder, kTime, kUnobserved, kJustified };
const char* to_string(Kind kind);

/// A span, both ends in it, in which an observer did not watch. INT64_MIN, INT64_MAX: before and
/// after everything that was recorded.
struct Lapse {
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  std::string why;
};

/// A stream that can show steps.
struct Observer {
  std::string stream;
  bool people = false;        // what it holds is what people said
  bool gave = true;           // it holds something at all
  std::vector<Lapse> lapses;  // none: it watched always
};

/// A recorded reason for departing from a step.
struct Reason {
  std::string step;  // id or activity
  std::string code;  // "adhesions"
  int64_t t_ns = 0;
};

/// A step that was looked for and not found.
struct Unfound {
  std::string step;        // id or activity
  double probability = 0;  // that it was done all the same, given what was recorded: 0 to 1
  bool sure = false;       // whoever looked is sure all the same that it was not there to be found
};

/// What could be seen of a case, and what was said about it. Default: nothing is known but a log,
/// which is taken as whole.
struct Observability {
  /// A step whose `observed_by` names none of them was not watched. Unset: a log alone.
  std::optional<std::vector<Observer>> observers;
  /// The record is known to have begun before, and ended after, what it shows: a step that belongs
  /// before the first event (after the last) could have been done outside of it otherwise.
  bool holds_beginning = true;
  bool holds_end = true;
  std::vector<Reason> reasons;
  std::vector<Unfound> unfound;       // steps that are not named were sure to be found
  bool clocks_trusted = true;         // false: no timing claim at all
  std::optional<int64_t> case_t0_ns;  // recorded span; unset: first and last event
  std::optional<int64_t> case_t1_ns;
  double limit_scale = 1;  // of this case, beside Options::limit_scale
};

struct Options {
  OrderBasis order = OrderBasis::kStart;
  uint32_t unit = 1;            // cost of an event or a step that does not match
  uint32_t silent_cost = 0;     // of a silent step, in the same unit
  uint64_t budget = 5'000'000;  // search states met per variant; beyond: bounds instead of a cost
  uint32_t max_markings =
      200'000;  // of the net, explored beforehand; beyond: as the search meets them
  uint32_t max_explanations = 64;  // kept per case
  uint32_t max_swaps = 64;         // per case, of events within their clock uncertainty
  double limit_scale = 1;          // time limits times this (a simulation run faster than life)
  bool ambiguity = true;           // false: cost and one alignment only
  int64_t tolerance_ns = 0;        // added to every event's uncertainty for order sensitivity
  double doubt =
      0.05;  // a step that is seen less often than all but this is never certainly missing
};

/// What would have shown a missing step: all there is of a log, marks of people, traces in devices'
/// streams.
enum class ShownBy : uint8_t { kLog, kPeople, kDevices, kBoth };
const char* to_string(ShownBy shown_by);

struct Departure {
  Kind kind = Kind::kMissing;
  Kind deviation = Kind::kMissing;  // the same, except below unobserved and justified
  std::string step;                 // step id; the activity when the norm has no such step
  std::string title;
  std::string activity;           // as the log names it; empty if nothing happened
  std::string check;              // the rule broken; empty: the flow
  std::optional<uint32_t> event;  // index into Trace::events
  int64_t t0_ns = 0;              // when; of a missing step: where it could have been
  int64_t t1_ns = 0;
  bool timed = true;  // false: only its order is known
  v1::Certainty certainty = v1::CERTAINTY_CERTAIN;
  std::optional<int64_t> margin;  // cost of the best explanation without it minus the best; unset:
                                  // no explanation is without it
  bool margin_exact = true;       // false: at least `margin`, the search's budget ended
  bool order_sensitive = false;   // gone when events within their clock uncertainty are exchanged
  std::vector<uint32_t> explanations;  // which of CaseResult::explanations have it
  std::string reason;                  // recorded reason code
  std::optional<double> done_unseen;   // of a missing step too probable to be called certain
  ShownBy shown_by = ShownBy::kLog;    // of a missing step
  std::vector<std::string> observers;  // of a missing step: streams that can show it and were there
  std::string unwatched;               // of an unobserved step: what was not watched, and why
  int64_t excess_ns = 0;               // of a time departure, beyond the limit
  uint32_t severity = 0;
  std::string value;
  v1::ProtocolLatitude latitude = v1::PROTOCOL_LATITUDE_REQUIRED;
  std::string text;  // one sentence
  std::vector<v1::SourceRange> sources;
  /// Whether it counts against the case: not what a reason was recorded for, nor what may not have
  /// happened at all because nobody can tell that the step was left out.
  bool scored() const {
    return kind != Kind::kJustified && kind != Kind::kUnobserved && !done_unseen;
  }
};

/// One column of the alignment.
struct Move {
  std::optional<uint32_t> event;  // index into Trace::events; unset: the model alone moved
  std::optional<uint32_t> step;   // unset: the log alone moved
};

struct CaseResult {
  std::string case_key;
  int64_t cost = 0;         // if !exact: of the best explanation found
  int64_t lower_bound = 0;  // == cost if exact
  bool exact = true;
  int64_t fitness_num = 0;  // fitness = num / den = 1 - cost / (trace cost + shortest model cost)
  int64_t fitness_den = 1;
  double fitness() const {
    return fitness_den == 0 ? 1.0
                            : static_cast<double>(fitness_num) / static_cast<double>(fitness_den);
  }
  int64_t scored_cost = 0;            // of departures that are scored()
  std::vector<Departure> departures;  // by time
  uint32_t explanations = 1;          // distinct sets of departures of equal cost
  bool explanations_complete = true;
  std::vector<Move> alignment;       // one of the cheapest, without silent steps
  std::vector<std::string> notices;  // timing withheld, ...
  uint32_t ignored_events = 0;

  uint32_t count(v1::Certainty certainty) const;
};

/// Compares many cases with one norm: the net is explored once, equal variants are aligned once.
class Conformer {
 public:
  /// kInvalidArgument when the norm's end cannot be reached.
  static Result<std::unique_ptr<Conformer>> create(const protocol::Norm& norm,
                                                   const Options& options);
  virtual ~Conformer() = default;

  /// `norm` given to create must still be alive.
  virtual CaseResult conform(const EventLog& log, const Trace& trace,
                             const Observability& observability) = 0;
  /// Cost of the cheapest run of the norm alone.
  virtual int64_t shortest_model_cost() const = 0;
  virtual uint64_t variants() const = 0;
};

/// One case.
Result<CaseResult> conform(const protocol::Norm& norm, const EventLog& log, const Trace& trace,
                           const Observability& observability, const Options& options);

}  // namespace casebox::analytics::conformance
