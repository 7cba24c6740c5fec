#include "analytics/conformance/internal/marking_set.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace casebox::analytics::conformance::internal {
namespace {

constexpr size_t kFirstSlots = 64;  // a power of two, as all sizes are

uint64_t hash_of(const protocol::Marking& marking) {
  return std::hash<std::string_view>()(
      {reinterpret_cast<const char*>(marking.data()), marking.size()});
}

}  // namespace

void MarkingSet::clear() {
  size_ = 0;
  bytes_.clear();
  hashes_.clear();
  slots_.assign(kFirstSlots, 0);
}

std::pair<uint32_t, bool> MarkingSet::add(const protocol::Marking& marking) {
  const uint64_t hash = hash_of(marking);
  size_t at = hash & (slots_.size() - 1);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    const uint32_t number = slots_[at] - 1;
    if (hashes_[number] == hash &&
        std::equal(marking.begin(), marking.end(),
                   bytes_.begin() + static_cast<std::ptrdiff_t>(number * places_)))
      return {number, false};
  }
  slots_[at] = ++size_;
  hashes_.push_back(hash);
  bytes_.insert(bytes_.end(), marking.begin(), marking.end());
  if (size_ * 2 > slots_.size()) grow();
  return {size_ - 1, true};
}

void MarkingSet::grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (uint32_t number = 0; number < size_; ++number) {
    size_t at = hashes_[number] & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = number + 1;
  }
}

}  // namespace casebox::analytics::conformance::internal
