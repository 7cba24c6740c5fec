#include "analytics/discovery/variants.h"

#include <algorithm>
#include <numeric>

namespace casebox::analytics::discovery {
namespace {

/// FNV-1a over whole ids, then mixed (the finaliser of MurmurHash3): a table's slot is its low
/// bits.
uint64_t hash_of(std::span<const ActivityId> steps) {
  uint64_t h = 0xcbf29ce484222325 ^ steps.size();
  for (const ActivityId step : steps) h = (h ^ step) * 0x100000001b3;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  return h ^ (h >> 33);
}

/// Open addressing, at most half full: hash and number of the variant found first.
class Table {
 public:
  explicit Table(const Sequences& sequences) : sequences_(sequences), slots_(kFirst) {}

  uint32_t variant_of(size_t c, std::vector<Variant>& variants) {
    const auto steps = sequences_.of(c);
    const uint64_t hash = hash_of(steps);
    for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.variant == 0) {
        variants.push_back({1, c});
        slot = {hash, static_cast<uint32_t>(variants.size())};
        const uint32_t found = slot.variant - 1;
        if (variants.size() * 2 > slots_.size()) grow();
        return found;
      }
      if (slot.hash != hash) continue;
      Variant& known = variants[slot.variant - 1];
      if (!std::ranges::equal(sequences_.of(known.example), steps)) continue;
      ++known.count;
      return slot.variant - 1;
    }
  }

 private:
  static constexpr size_t kFirst = 1024;
  struct Slot {
    uint64_t hash = 0;
    uint32_t variant = 0;  // + 1; 0: free
  };

  void grow() {
    std::vector<Slot> bigger(slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.variant == 0) continue;
      size_t at = slot.hash & (bigger.size() - 1);
      while (bigger[at].variant != 0) at = (at + 1) & (bigger.size() - 1);
      bigger[at] = slot;
    }
    slots_ = std::move(bigger);
  }

  const Sequences& sequences_;
  std::vector<Slot> slots_;
};

}  // namespace

std::span<const uint32_t> Variants::cases_of(size_t v) const {
  return {cases.data() + begins[v], begins[v + 1] - begins[v]};
}

Variants variants_of(const Sequences& sequences, const std::vector<std::string>& activities) {
  std::vector<Variant> found;
  std::vector<uint32_t> of_case(sequences.cases());
  Table table(sequences);
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
