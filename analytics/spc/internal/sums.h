#pragma once

// The sums a CUSUM can reach, and with which probability: exact, for a known sequence of cases.

#include <vector>

#include "analytics/spc/cusum.h"

namespace casebox::analytics::spc::internal {

/// All values S_1 .. S_n can take, ascending; sums closer than 1e-9 are one. Few for so many
/// outcomes: W of an event and of none differ by the same log R in every case, so a sum is given by
/// when it last was 0 and how many events followed; at most n^2 / 2 of them after n cases.
std::vector<double> attainable_sums(const std::vector<Weights>& weights);

/// P(some S_i > limit), i = 1 .. n.
double passing(const std::vector<double>& risks, const std::vector<Weights>& weights, double limit);

/// P(some S_i >= limit), i = 1 .. n, on the grid of the Markov chain.
double reaching(const std::vector<double>& risks, double odds_ratio, double limit, int states);

}  // namespace casebox::analytics::spc::internal
