#pragma once

// What departures weigh under the norm's declared hierarchy of values, and how much of that hangs
// on the weights.
//
// A protocol declares values with weights (docs/formats/protocol.md). Numbers for values are a
// choice, so every weighted result is given three times: under the declared weights, under equal
// weights, and under random weights that keep the declared order (values declared equal stay equal,
// values declared 0 stay 0). The random weights are uniform over all such weights: sorted points of
// the simplex, the method of Butler, Jia and Dyer, "Simulation techniques for the sensitivity
// analysis of multi-criteria decision models", EJOR 103 (1997).
//
// Unit: one departure that touches a value of average weight. Weights are scaled so that their mean
// is 1; under equal weights a score is a number of departures.
//
// Which departures are scored: Departure::scored(). One departure counts once,
// whatever it costs in the alignment; severity is an order and not a quantity and is not multiplied
// in. Departures that touch no value have no weight: they are counted beside the score. Where a
// case has several explanations its score is a range: the least and the most that any of them
// weighs. A score is a property of a case and a norm, never of a person.
//
// Thread safety: pure functions; the same input and seed give the same result on any machine.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analytics/conformance/conform.h"

namespace casebox::analytics::conformance {

struct WeightOptions {
  uint64_t seed = 1;
  uint32_t draws = 1000;  // of random weights
};

/// A norm's hierarchy of values, as it is declared.
struct Values {
  std::vector<std::string> ids;
  std::vector<double> weights;  // as written: finite, 0 or more; as many as ids
  bool operator==(const Values&) const = default;
};
Values values_of(const protocol::Norm& norm);

/// Of one case, by explanation. Not judged: its departures are not known, so it has no score.
struct Tally {
  bool judged = true;
  bool listed = true;          // false: explanations are not all listed; bounds instead
  uint32_t scored = 0;         // the most scored departures of an explanation
  uint32_t without_value = 0;  // of those of that kind that touch no value: the most
  /// Scored departures by value (index into the norm's values), one row for each explanation that
  /// differs; sorted. When !listed two rows: the certain ones, and all there may be.
  std::vector<std::vector<uint32_t>> counts;
  bool operator==(const Tally&) const = default;
};
Tally tally(const protocol::Norm& norm, const CaseResult& result);

struct Range {
  double least = 0;  // of the lightest explanation
  double most = 0;   // of the heaviest
};

/// Over the draws, of Range::least.
struct Spread {
  double median = 0;
  double low = 0;   // 2.5 %
  double high = 0;  // 97.5 %
};

struct Weighed {
  Range declared;
  Range equal;
  Spread random;
};

struct WeighedCase : Weighed {
  bool judged = true;
  bool listed = true;
  uint32_t scored = 0;
  uint32_t without_value = 0;
  /// Against the mean of all cases judged, under the declared weights: 1 above, -1 below, 0 at it.
  int side = 0;
  bool side_kept_equal = true;  // the same under equal weights
  double side_kept = 1;         // share of draws in which it is the same
};

struct Weighing {
  /// Why there is no weighted result; empty: there is one. The rest is then empty too.
  std::string reason;
  Values values;
  std::vector<double> declared;    // the values' weights, scaled to a mean of 1
  std::vector<WeighedCase> cases;  // as given
  Weighed total;                   // over cases judged
  uint64_t not_judged = 0;
  /// Pairs of cases of which one has more under the declared weights, and how many of them stand
  /// the other way round under other weights.
  uint64_t pairs = 0;
  uint64_t reversed_equal = 0;
  Spread reversed;         // share of the pairs, over the draws
  bool order_kept = true;  // no pair stands the other way round under equal weights or in any draw
};

/// Scales weights to a mean of 1. Empty when there is none above 0.
std::vector<double> scaled_weights(const Values& values);

/// One draw after another of random weights that keep the order of `declared`; each has mean 1.
std::vector<std::vector<double>> random_weights(const std::vector<double>& declared,
                                                const WeightOptions& options);

/// Rows of the tallies have a count for each of `values`.
Weighing weigh(const Values& values, std::span<const Tally> tallies, const WeightOptions& options);
/// The same from the cases themselves.
Weighing weigh(const protocol::Norm& norm, std::span<const CaseResult> results,
               const WeightOptions& options);

}  // namespace casebox::analytics::conformance
