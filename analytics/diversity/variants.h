#pragma once

// Variants of a log (analytics/discovery) as diversity counts them, how alike two variants are, and
// the diversity that counts likeness.
//
// Thread safety: pure functions. Errors: none.

#include <cstdint>
#include <optional>
#include <vector>

#include "analytics/diversity/hill.h"
#include "analytics/event_log.h"

namespace casebox::analytics::diversity {

struct Variants {
  std::vector<std::vector<ActivityId>> sequences;  // most frequent first, ties by labels
  Counts counts;                                   // cases of each
  std::vector<uint32_t> of_trace;                  // index into sequences, for each trace
};
Variants find_variants(const EventLog& log, OrderBasis basis);

/// 1 - edit distance (insert, delete, replace) / longer length; 1 for two empty sequences.
double edit_similarity(const std::vector<ActivityId>& a, const std::vector<ActivityId>& b);

/// Row-major and symmetric, 1 on the diagonal.
struct Similarity {
  size_t size = 0;
  std::vector<double> values;
  double at(size_t i, size_t j) const { return values[i * size + j]; }
};
/// Of all pairs of sequences; absent above `most` of them.
std::optional<Similarity> edit_similarities(const std::vector<std::vector<ActivityId>>& sequences,
                                            size_t most = 2000);

/// Leinster & Cobbold, Ecology 93 (2012) 477-489: the effective number of variants when variants
/// alike count less than ones that have nothing in common. With a similarity of 0 between different
/// ones it is hill_numbers(). `counts` may hold zeros; zeros of none.
Hill similarity_sensitive(const Counts& counts, const Similarity& similarity);

}  // namespace casebox::analytics::diversity
