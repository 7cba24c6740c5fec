#pragma once

// Risk-adjusted CUSUM of a yes/no outcome (Steiner, Cook, Farewell & Treasure, Biostatistics 1
// (2000) 441-452): S_i = max(0, S_(i-1) + W_i), where W_i is the log-likelihood ratio of the
// outcome between odds multiplied by `odds_ratio` and odds as the case's risk says:
// W = log(R / (1 - p + R p)) with the event, log(1 / (1 - p + R p)) without. After a signal the
// sum starts again at 0.
//
// Two kinds of limit. A run length (mean number of cases to a false signal), from a Markov chain
// with paired rounding of the weights (Knoth, Wittenberg & Gan, Statistics in Medicine 38 (2019)
// 2206-2218); reaching the limit signals. Or, for a small cohort, a probability of any false signal
// within so many cases, exact over all sequences of outcomes; passing the limit signals, reaching
// it does not: sums take few values there, and the limit is one of them.
//
// Thread safety: pure functions. Risks in (0, 1), odds ratios > 0 and not 1.
// Errors: kInvalidArgument for values outside those; kUnsupported for an exact limit of more than
// kExactCases.

#include <optional>
#include <vector>

#include "analytics/spc/chart.h"
#include "proto/base/result.h"

namespace casebox::analytics::spc {

struct Weights {
  double event = 0;
  double none = 0;
};
Weights weights(double risk, double odds_ratio);

/// A patient mix: risks and how often each occurs; shares add to 1.
struct RiskShare {
  double share = 0;
  double risk = 0;
};
using RiskMix = std::vector<RiskShare>;
RiskMix mix_of(const std::vector<double>& risks);

constexpr int kCusumStates = 600;
constexpr size_t kExactCases = 200;

/// Mean number of cases to a signal when the odds are `true_odds_ratio` times those of the risks.
Result<double> cusum_run_length(const RiskMix& mix, double odds_ratio, double limit,
                                int states = kCusumStates, double true_odds_ratio = 1);

/// The limit with this run length, to 1e-6.
Result<double> cusum_limit(const RiskMix& mix, double odds_ratio, double run_length,
                           int states = kCusumStates);

struct ExactLimit {
  double limit = 0;
  double false_alarm = 0;  // probability of any sum above the limit within the cases; <= alpha
};
/// The smallest attainable sum that is passed within `risks.size()` cases with a probability of at
/// most `alpha`.
Result<ExactLimit> exact_cusum_limit(const std::vector<double>& risks, double odds_ratio,
                                     double alpha);

struct CusumOptions {
  double odds_ratio = 2;  // below 1: looks for improvement
  // The first of these that is there gives the limit.
  std::optional<double> limit;
  std::optional<double> run_length;
  double alpha = 0.05;  // within the cases charted; exact; up to kExactCases
};
/// `events[i]` of a case with `risks[i]`.
Result<Chart> ra_cusum(const std::vector<bool>& events, const std::vector<double>& risks,
                       const CusumOptions& options = {});

/// Variable life-adjusted display (Lovegrove et al., Lancet 350 (1997) 1128-1130): expected minus
/// observed events, summed. For display only: it has no limits, and a line that wanders looks like
/// a trend.
Chart vlad(const std::vector<bool>& events, const std::vector<double>& risks);

}  // namespace casebox::analytics::spc
