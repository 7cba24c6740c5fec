#include "analytics/discovery/variants.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "analytics/discovery/internal/sequence_table.h"

namespace casebox::analytics::discovery {
namespace {

/// The first steps of a sequence as one number that compares as their names do: most pairs of
/// variants need no look at the sequences. An end comes before any step.
uint64_t beginning(std::span<const ActivityId> steps, const std::vector<uint32_t>& rank) {
  const int bits = std::max(1, static_cast<int>(std::bit_width(rank.size())));
  uint64_t out = 0;
  int room = 64;
  for (size_t i = 0; room >= bits; ++i, room -= bits)
    out = out << bits | (i < steps.size() ? rank[steps[i]] + 1 : 0);
  return out;
}

std::vector<uint32_t> canonical_order(const Sequences& sequences,
                                      const std::vector<std::string>& activities,
                                      const std::vector<Variant>& found) {
  const std::vector<uint32_t> rank = name_ranks(activities);
  struct Key {
    size_t count;
    uint64_t beginning;
    uint32_t variant;
  };
  std::vector<Key> keys;
  keys.reserve(found.size());
  for (uint32_t v = 0; v < found.size(); ++v)
    keys.push_back({found[v].count, beginning(sequences.of(found[v].example), rank), v});
  const auto name = [&](ActivityId id) { return rank[id]; };
  std::ranges::sort(keys, [&](const Key& a, const Key& b) {
    if (a.count != b.count) return a.count > b.count;
    if (a.beginning != b.beginning) return a.beginning < b.beginning;
    return std::ranges::lexicographical_compare(sequences.of(found[a.variant].example),
                                                sequences.of(found[b.variant].example), {}, name,
                                                name);
  });
  std::vector<uint32_t> out;
  out.reserve(keys.size());
  for (const Key& key : keys) out.push_back(key.variant);
  return out;
}

}  // namespace
std::span<const uint32_t> Variants::cases_of(size_t v) const {
  return {cases.data() + begins[v], begins[v + 1] - begins[v]};
}

Variants variants_of(const Sequences& sequences, const std::vector<std::string>& activities) {
  Variants out;
  out.of_case.resize(sequences.cases());
  std::vector<Variant> found;
  std::vector<size_t> examples;
  internal::SequenceTable table(sequences);
  for (size_t c = 0; c < sequences.cases(); ++c) {
    const uint32_t v = table.variant_of(c, examples);
    if (v == found.size()) found.push_back({0, c});
    ++found[v].count;
    out.of_case[c] = v;
  }
  const std::vector<uint32_t> order = canonical_order(sequences, activities, found);

  std::vector<uint32_t> place(found.size());
  out.variants.reserve(found.size());
  out.begins.reserve(found.size() + 1);
  out.begins.push_back(0);
  for (uint32_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    out.variants.push_back(found[order[i]]);
    out.begins.push_back(out.begins.back() + found[order[i]].count);
  }
  std::vector<size_t> fill(out.begins);
  out.cases.resize(out.of_case.size());
  for (uint32_t c = 0; c < out.of_case.size(); ++c) {
    uint32_t& v = out.of_case[c];
    v = place[v];
    out.cases[fill[v]++] = c;
  }
  return out;
}

}  // namespace casebox::analytics::discovery
