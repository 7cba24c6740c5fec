#pragma once

// A value for each ordered pair of activities that was asked for: one array while that is small,
// else a hash table, so that a log with a million labels costs what its pairs cost.
//
// Thread safety: one thread. Lifetime: a reference lives until the next at() of a new pair.

#include <unordered_map>
#include <vector>

#include "analytics/event_log.h"

namespace casebox::analytics::discovery::internal {

template <typename T>
class PairTable {
 public:
  explicit PairTable(size_t activities) : n_(activities) {
    if (n_ <= kDense) dense_.resize(n_ * n_);
  }

  T& at(ActivityId from, ActivityId to) {
    if (n_ <= kDense) return dense_[from * n_ + to];
    return sparse_[uint64_t{from} << 32 | to];
  }
  /// All pairs of one `from` as an array by `to`; null when there is no array.
  T* row(ActivityId from) { return n_ <= kDense ? dense_.data() + from * n_ : nullptr; }
  /// The value, or that of a pair nobody asked for.
  T get(ActivityId from, ActivityId to) const {
    if (n_ <= kDense) return dense_[from * n_ + to];
    const auto it = sparse_.find(uint64_t{from} << 32 | to);
    return it == sparse_.end() ? T{} : it->second;
  }
  /// visit(from, to, value) for every pair there is room for, in no order that means anything.
  template <typename Visit>
  void each(Visit visit) const {
    for (size_t i = 0; i < dense_.size(); ++i)
      visit(static_cast<ActivityId>(i / n_), static_cast<ActivityId>(i % n_), dense_[i]);
    for (const auto& [key, value] : sparse_)
      visit(static_cast<ActivityId>(key >> 32), static_cast<ActivityId>(key), value);
  }

 private:
  static constexpr size_t kDense = 512;

  size_t n_;
  std::vector<T> dense_;
  std::unordered_map<uint64_t, T> sparse_;
};

}  // namespace casebox::analytics::discovery::internal
