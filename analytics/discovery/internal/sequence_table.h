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

  /// FNV-1a over two steps at a time, then mixed (the finaliser of MurmurHash3): a slot is its low
  /// bits.
  static uint64_t mixed(std::span<const ActivityId> steps);

  explicit SequenceTable(const Sequences& sequences, Hash hash = mixed);

  /// Index of the variant of case c; a new one is appended to `examples`. Cases in ascending order.
  uint32_t variant_of(size_t c, std::vector<size_t>& examples);

 private:
  static constexpr size_t kFirst = 1024;
  static constexpr size_t kAhead = 16;  // cases
  struct Slot {
    uint64_t hash = 0;
    const ActivityId* steps = nullptr;  // of the first case of the variant
    uint32_t size = 0;
    uint32_t variant = 0;  // + 1; 0: free
  };

  void grow();

  const Sequences& sequences_;
  std::vector<uint64_t> hashes_;  // of every case
  std::vector<Slot> slots_;       // open addressing, at most half of them taken
};

}  // namespace casebox::analytics::discovery::internal
