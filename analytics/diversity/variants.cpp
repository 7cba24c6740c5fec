#include "analytics/diversity/variants.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

namespace casebox::analytics::diversity {

Variants find_variants(const EventLog& log, OrderBasis basis) {
  std::map<std::vector<ActivityId>, uint32_t> number;
  std::vector<std::vector<ActivityId>> found;
  Counts counts;
  Variants out;
  for (const Trace& trace : log.traces) {
    std::vector<ActivityId> sequence;
    for (const uint32_t i : ordered(trace, basis)) sequence.push_back(trace.events[i].activity);
    const auto [place, fresh] = number.emplace(sequence, static_cast<uint32_t>(number.size()));
    if (fresh) {
      found.push_back(std::move(sequence));
      counts.push_back(0);
    }
    ++counts[place->second];
    out.of_trace.push_back(place->second);
  }
  std::vector<uint32_t> order(found.size());
  std::iota(order.begin(), order.end(), 0);
  // Labels, not their numbers: those depend on which case came first.
  const auto by_label = [&](ActivityId a, ActivityId b) {
    return log.activities[a] < log.activities[b];
  };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    if (counts[a] != counts[b]) return counts[a] > counts[b];
    return std::lexicographical_compare(found[a].begin(), found[a].end(), found[b].begin(),
                                        found[b].end(), by_label);
  });
  std::vector<uint32_t> place(found.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    out.sequences.push_back(std::move(found[order[i]]));
    out.counts.push_back(counts[order[i]]);
  }
  for (uint32_t& variant : out.of_trace) variant = place[variant];
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
