#include "analytics/discovery/internal/case_relations.h"

#include <algorithm>

namespace casebox::analytics::discovery::internal {
namespace {

void set_bit(uint64_t* row, ActivityId id) { row[id / 64] |= uint64_t{1} << (id % 64); }

}  // namespace

CaseRelations::CaseRelations(size_t activities, Counting counting)
    : words_((activities + 63) / 64),
      some_(counting == Counting::kPm4py),
      count_(activities, 0),
      place_(activities, 0) {}

uint64_t* CaseRelations::mutable_row(Relation relation, size_t k) {
  return rows_[static_cast<size_t>(relation)].data() + k * words_;
}

Bits CaseRelations::row(Relation relation, size_t k) const {
  return {rows_[static_cast<size_t>(relation)].data() + k * words_, words_};
}

void CaseRelations::read(std::span<const ActivityId> steps) {
  for (const ActivityId id : present_) count_[id] = 0;
  present_.clear();
  for (const ActivityId id : steps) {
    if (count_[id]++ > 0) continue;
    place_[id] = static_cast<uint32_t>(present_.size());
    present_.push_back(id);
  }
  for (auto& rows : rows_) rows.assign(present_.size() * words_, 0);
  for (size_t k = 0; k < present_.size(); ++k) {
    const ActivityId x = present_[k];
    for (const ActivityId y : present_) {
      if (x == y) continue;
      set_bit(mutable_row(Relation::kNeverTogether, k), y);
      if (count_[x] == count_[y]) set_bit(mutable_row(Relation::kEquivalence, k), y);
    }
  }
  put_orders(steps);
  put_neighbours(steps);
}

// What stands behind a position is collected from the end on. Behind every x stands what stands
// behind its last occurrence; behind some x what stands behind its first. Before, mirrored.
void CaseRelations::put_orders(std::span<const ActivityId> steps) {
  const auto pass = [&](Relation relation, auto begin, auto end) {
    set_.assign(words_, 0);
    std::vector<bool> met(present_.size(), false);
    for (auto it = begin; it != end; ++it) {
      const uint32_t k = place_[*it];
      if (some_ || !met[k]) std::ranges::copy(set_, mutable_row(relation, k));
      met[k] = true;
      set_bit(set_.data(), *it);
    }
  };
  pass(Relation::kAlwaysAfter, steps.rbegin(), steps.rend());
  pass(Relation::kAlwaysBefore, steps.begin(), steps.end());
}

void CaseRelations::put_neighbours(std::span<const ActivityId> steps) {
  if (some_) {
    for (size_t i = 1; i < steps.size(); ++i)
      set_bit(mutable_row(Relation::kDirectlyFollows, place_[steps[i - 1]]), steps[i]);
    return;
  }
  constexpr ActivityId kUnset = UINT32_MAX, kMixed = UINT32_MAX - 1;
  std::vector<ActivityId> follower(present_.size(), kUnset);
  for (size_t i = 1; i < steps.size(); ++i) {
    ActivityId& known = follower[place_[steps[i - 1]]];
    known = known == kUnset || known == steps[i] ? steps[i] : kMixed;
  }
  if (!steps.empty()) follower[place_[steps.back()]] = kMixed;  // nothing comes after it
  for (size_t k = 0; k < present_.size(); ++k)
    if (follower[k] != kUnset && follower[k] != kMixed)
      set_bit(mutable_row(Relation::kDirectlyFollows, k), follower[k]);
}

}  // namespace casebox::analytics::discovery::internal
