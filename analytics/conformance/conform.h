#pragma once

// Where a case left the agreed pathway, how certain that is, and what else would explain it.
// The method in words: docs/conformance.md.
//
// A departure is one of: missing, extra, order (done, but not in its place), time (longer or later
// than a limit), unobserved (missing, but nothing that could have seen it was recording), justified
// (a reason was recorded: shown, never scored). It is certain when every cheapest explanation of
// the case has it and, where the step is missing, whoever looked for the step is sure of that.
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

/// A span in which a stream recorded nothing: gap, pause, or absent by policy.
struct Blind {
  std::string stream;  // empty: no stream recorded
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  std::string reason;
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
};

/// What could be seen of a case, and what was said about it. Default: everything was seen.
struct Observability {
  std::vector<Blind> blind;
  std::vector<std::string> absent;  // streams the case never had
  std::vector<Reason> reasons;
  std::vector<Unfound> unfound;       // steps that are not named were sure to be found
  bool clocks_trusted = true;         // false: no timing claim at all
  std::optional<int64_t> case_t0_ns;  // recorded span; unset: first and last event
  std::optional<int64_t> case_t1_ns;
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
  double doubt = 0.05;  // a missing step more probably done unseen than this is not certain
};

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
