#pragma once

// How many ways there are of doing an operation, as Hill numbers over variants: q 0 counts
// variants, q 1 weighs them by their share (exponential of Shannon's entropy), q 2 weighs the
// frequent ones (inverse of Simpson's index). Diversity is an outcome like others, neither good nor
// bad by itself.
//
// A larger sample shows more variants, so samples are compared at equal size or at equal coverage
// (the share of practice that belongs to variants seen): Chao & Jost, Ecology 93 (2012) 2533-2547;
// Chao et al., Ecological Monographs 84 (2014) 45-67, whose bootstrap is used. Estimates beyond
// twice the sample's size, or of a single case, are not given.
//
// Thread safety: pure functions. Errors: none; what cannot be said is absent.

#include <cstdint>
#include <optional>
#include <vector>

namespace casebox::analytics::diversity {

/// Cases of each variant seen; all above 0.
using Counts = std::vector<uint32_t>;

struct Hill {
  double q0 = 0, q1 = 0, q2 = 0;
};
/// Of the sample as it is; zeros of none.
Hill hill_numbers(const Counts& counts);
uint64_t sample_size(const Counts& counts);

/// Share of practice that belongs to the variants seen (Chao & Jost 2012, equation 4a, after Good
/// and Turing); 0 of none.
double sample_coverage(const Counts& counts);

/// Expected of a sample of `size` cases: rarefied up to the sample's size, extrapolated up to twice
/// that; absent for 0 or beyond.
std::optional<Hill> hill_at(const Counts& counts, uint64_t size);
std::optional<double> coverage_at(const Counts& counts, uint64_t size);
/// The smallest size with this expected coverage; absent if twice the sample's size has less.
std::optional<uint64_t> size_for_coverage(const Counts& counts, double coverage);

struct HillInterval {
  Hill low, high;
};
/// hill_at() +- z times its standard error over `replicates` samples of the estimated community.
std::optional<HillInterval> hill_interval(const Counts& counts, uint64_t size, double level,
                                          size_t replicates, uint64_t seed);

}  // namespace casebox::analytics::diversity
