#include "analytics/diversity/variants.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "analytics/discovery/variants.h"

namespace casebox::analytics::diversity {

Variants find_variants(const EventLog& log, OrderBasis basis) {
  const discovery::Sequences sequences = discovery::sequences_of(log, basis);
  discovery::Variants found = discovery::variants_of(sequences, log.activities);
  Variants out;
  for (const discovery::Variant& variant : found.variants) {
    const auto steps = sequences.of(variant.example);
    out.sequences.emplace_back(steps.begin(), steps.end());
    out.counts.push_back(static_cast<uint32_t>(variant.count));
  }
  out.of_trace = std::move(found.of_case);
  return out;
}

double edit_similarity(const std::vector<ActivityId>& a, const std::vector<ActivityId>& b) {
  const size_t longer = std::max(a.size(), b.size());
  if (longer == 0) return 1;
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return 1 - static_cast<double>(row.back()) / static_cast<double>(longer);
}

std::optional<Similarity> edit_similarities(const std::vector<std::vector<ActivityId>>& sequences,
                                            size_t most) {
  const size_t n = sequences.size();
  if (n > most) return std::nullopt;
  Similarity out{n, std::vector<double>(n * n, 1)};
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < i; ++j)
      out.values[i * n + j] = out.values[j * n + i] = edit_similarity(sequences[i], sequences[j]);
  return out;
}

Hill similarity_sensitive(const Counts& counts, const Similarity& similarity) {
  const auto n = static_cast<double>(sample_size(counts));
  if (n == 0) return {};
  std::vector<size_t> seen;
  for (size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) seen.push_back(i);
  double q0 = 0, log_q1 = 0, q2 = 0;
  for (const size_t i : seen) {
    double ordinary = 0;  // how usual variant i is: the share of practice like it
    for (const size_t j : seen) ordinary += similarity.at(i, j) * counts[j] / n;
    const double p = counts[i] / n;
    q0 += p / ordinary;
    log_q1 -= p * std::log(ordinary);
    q2 += p * ordinary;
  }
  return {q0, std::exp(log_q1), 1 / q2};
}

}  // namespace casebox::analytics::diversity
