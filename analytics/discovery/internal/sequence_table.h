#pragma once

// Finds out which cases have the same sequence: by hash, and only then step by step.
//
// Thread safety: one thread. Lifetime: the sequences outlive it.

#include <span>
#include <vector>

#include "analytics/discovery/variants.h"

namespace casebox::analytics::discovery::internal {

class SequenceTable {
 public:
  using Hash = uint64_t (*)(std::span<const ActivityId>);

  /// FNV-1a over whole ids, then mixed (the finaliser of MurmurHash3): a slot is its low bits.
  static uint64_t mixed(std::span<const ActivityId> steps);

  explicit SequenceTable(const Sequences& sequences, Hash hash = mixed)
      : sequences_(sequences), hash_(hash), slots_(kFirst) {}

  /// Counts case c: index of its variant, which is appended when it is a new one.
  uint32_t variant_of(size_t c, std::vector<Variant>& variants);

 private:
  static constexpr size_t kFirst = 1024;
  struct Slot {
    uint64_t hash = 0;
    uint32_t variant = 0;  // + 1; 0: free
  };

  void grow();

  const Sequences& sequences_;
  Hash hash_;
  std::vector<Slot> slots_;  // open addressing, at most half of them taken
};

}  // namespace casebox::analytics::discovery::internal
