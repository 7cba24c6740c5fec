#pragma once

// Which relations of a log skeleton hold inside one sequence, as rows of bits.
//
// Thread safety: one thread; an object is used again from sequence to sequence.

#include <cstdint>
#include <span>
#include <vector>

#include "analytics/discovery/log_skeleton.h"

namespace casebox::analytics::discovery::internal {

using Bits = std::span<const uint64_t>;

/// Calls visit(i) for every bit that is set, ascending.
template <typename Visit>
void each_bit(uint64_t word, size_t base, Visit visit) {
  for (; word != 0; word &= word - 1)
    visit(static_cast<ActivityId>(base + static_cast<size_t>(__builtin_ctzll(word))));
}
template <typename Visit>
void each_bit(Bits bits, Visit visit) {
  for (size_t w = 0; w < bits.size(); ++w) each_bit(bits[w], w * 64, visit);
}

class CaseRelations {
 public:
  CaseRelations(size_t activities, Counting counting);

  void read(std::span<const ActivityId> steps);

  /// Activities of the sequence, in order of their first occurrence.
  const std::vector<ActivityId>& present() const { return present_; }
  uint32_t count(ActivityId id) const { return count_[id]; }
  /// y of the k-th of present(); for never_together those that do occur.
  Bits row(Relation relation, size_t k) const;
  size_t words() const { return words_; }

 private:
  uint64_t* mutable_row(Relation relation, size_t k);
  void put_orders(std::span<const ActivityId> steps);
  void put_neighbours(std::span<const ActivityId> steps);

  size_t words_;
  bool some_;  // one occurrence that fits is enough
  std::vector<ActivityId> present_;
  std::vector<uint32_t> count_, place_;  // by activity; place in present_
  std::vector<uint64_t> rows_[kRelations];
  std::vector<uint64_t> set_;
};

}  // namespace casebox::analytics::discovery::internal
