#include "analytics/discovery/internal/sequence_table.h"

#include <algorithm>

namespace casebox::analytics::discovery::internal {

uint64_t SequenceTable::mixed(std::span<const ActivityId> steps) {
  constexpr uint64_t kPrime = 0x100000001b3;
  uint64_t h = 0xcbf29ce484222325 ^ steps.size();
  size_t i = 0;
  for (; i + 1 < steps.size(); i += 2) {
    h = (h ^ (uint64_t{steps[i]} << 32 | steps[i + 1])) * kPrime;
    h ^= h >> 32;  // a multiplication moves nothing downwards
  }
  if (i < steps.size()) h = (h ^ steps[i]) * kPrime;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  return h ^ (h >> 33);
}

SequenceTable::SequenceTable(const Sequences& sequences, Hash hash)
    : sequences_(sequences), slots_(kFirst) {
  hashes_.reserve(sequences.cases());
  for (size_t c = 0; c < sequences.cases(); ++c) hashes_.push_back(hash(sequences.of(c)));
}

uint32_t SequenceTable::variant_of(size_t c, std::vector<size_t>& examples) {
  // The table is larger than a processor's nearest memory: what is needed soon is asked for now.
  if (c + kAhead < hashes_.size())
    __builtin_prefetch(&slots_[hashes_[c + kAhead] & (slots_.size() - 1)]);
  const auto steps = sequences_.of(c);
  const uint64_t hash = hashes_[c];
  for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.variant == 0) {
      examples.push_back(c);
      const auto variant = static_cast<uint32_t>(examples.size());
      slot = {hash, steps.data(), static_cast<uint32_t>(steps.size()), variant};
      if (examples.size() * 2 > slots_.size()) grow();
      return variant - 1;
    }
    if (slot.hash == hash && std::ranges::equal(std::span(slot.steps, slot.size), steps))
      return slot.variant - 1;
  }
}

void SequenceTable::grow() {
  std::vector<Slot> bigger(slots_.size() * 4);
  for (const Slot& slot : slots_) {
    if (slot.variant == 0) continue;
    size_t at = slot.hash & (bigger.size() - 1);
    while (bigger[at].variant != 0) at = (at + 1) & (bigger.size() - 1);
    bigger[at] = slot;
  }
  slots_ = std::move(bigger);
}

}  // namespace casebox::analytics::discovery::internal
