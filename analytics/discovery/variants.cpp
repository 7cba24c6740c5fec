#include "analytics/discovery/variants.h"

#include <algorithm>
#include <numeric>

#include "analytics/discovery/internal/sequence_table.h"

namespace casebox::analytics::discovery {
std::span<const uint32_t> Variants::cases_of(size_t v) const {
  return {cases.data() + begins[v], begins[v + 1] - begins[v]};
}

Variants variants_of(const Sequences& sequences, const std::vector<std::string>& activities) {
  std::vector<Variant> found;
  std::vector<uint32_t> of_case(sequences.cases());
  internal::SequenceTable table(sequences);
  for (size_t c = 0; c < sequences.cases(); ++c) of_case[c] = table.variant_of(c, found);

  const std::vector<uint32_t> rank = name_ranks(activities);
  std::vector<uint32_t> order(found.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    if (found[a].count != found[b].count) return found[a].count > found[b].count;
    return std::ranges::lexicographical_compare(
        sequences.of(found[a].example), sequences.of(found[b].example), {},
        [&](ActivityId id) { return rank[id]; }, [&](ActivityId id) { return rank[id]; });
  });

  Variants out;
  std::vector<uint32_t> place(found.size());
  out.begins.push_back(0);
  for (uint32_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    out.variants.push_back(found[order[i]]);
    out.begins.push_back(out.begins.back() + found[order[i]].count);
  }
  std::vector<size_t> fill(out.begins);
  out.cases.resize(of_case.size());
  for (uint32_t c = 0; c < of_case.size(); ++c) {
    of_case[c] = place[of_case[c]];
    out.cases[fill[of_case[c]]++] = c;
  }
  out.of_case = std::move(of_case);
  return out;
}

}  // namespace casebox::analytics::discovery
