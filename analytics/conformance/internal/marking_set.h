#pragma once

// Markings of one net, numbered in the order in which they were first added.
//
// Thread safety: one thread. Memory: a byte for each place and 16 bytes beside it for each marking.

#include <cstdint>
#include <utility>
#include <vector>

#include "analytics/protocol/net.h"

namespace casebox::analytics::conformance::internal {

class MarkingSet {
 public:
  /// Of a net with so many places.
  explicit MarkingSet(size_t places) : places_(places) { clear(); }

  /// The marking's number, and whether it is new.
  std::pair<uint32_t, bool> add(const protocol::Marking& marking);
  /// Copies a marking into `out`.
  void get(uint32_t number, protocol::Marking& out) const {
    const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(number * places_);
    out.assign(begin, begin + static_cast<std::ptrdiff_t>(places_));
  }
  uint32_t size() const { return size_; }
  void clear();

 private:
  void grow();

  size_t places_;
  uint32_t size_ = 0;
  std::vector<uint8_t> bytes_;  // one marking after the other
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;  // number + 1 of the marking there; 0: free
};

}  // namespace casebox::analytics::conformance::internal
