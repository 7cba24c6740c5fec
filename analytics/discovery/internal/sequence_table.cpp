#include "analytics/discovery/internal/sequence_table.h"

#include <algorithm>

namespace casebox::analytics::discovery::internal {

uint64_t SequenceTable::mixed(std::span<const ActivityId> steps) {
  uint64_t h = 0xcbf29ce484222325 ^ steps.size();
  for (const ActivityId step : steps) h = (h ^ step) * 0x100000001b3;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  return h ^ (h >> 33);
}

uint32_t SequenceTable::variant_of(size_t c, std::vector<Variant>& variants) {
  const auto steps = sequences_.of(c);
  const uint64_t hash = hash_(steps);
  for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.variant == 0) {
      variants.push_back({1, c});
      slot = {hash, static_cast<uint32_t>(variants.size())};
      if (variants.size() * 2 > slots_.size()) grow();
      return static_cast<uint32_t>(variants.size() - 1);
    }
    if (slot.hash != hash) continue;
    Variant& known = variants[slot.variant - 1];
    if (!std::ranges::equal(sequences_.of(known.example), steps)) continue;
    ++known.count;
    return slot.variant - 1;
  }
}

void SequenceTable::grow() {
  std::vector<Slot> bigger(slots_.size() * 2);
  for (const Slot& slot : slots_) {
    if (slot.variant == 0) continue;
    size_t at = slot.hash & (bigger.size() - 1);
    while (bigger[at].variant != 0) at = (at + 1) & (bigger.size() - 1);
    bigger[at] = slot;
  }
  slots_ = std::move(bigger);
}

}  // namespace casebox::analytics::discovery::internal
