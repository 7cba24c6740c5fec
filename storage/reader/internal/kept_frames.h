#pragma once

// Frames that were read and proven, sealed as they are, the newest first: whoever looks at a window
// reads its streams once a channel, and again at the next step.
//
// Thread safety: one thread. Lifetime: proofs stay where they are as long as this lives.

#include <list>
#include <unordered_map>
#include <utility>

#include "storage/store.h"

namespace casebox::storage::internal {

class KeptFrames {
 public:
  /// Null if it is not kept.
  const StoredFrame* find(const Proof& proof) {
    const auto known = at_.find(&proof);
    if (known == at_.end()) return nullptr;
    frames_.splice(frames_.begin(), frames_, known->second);
    return &known->second->second;
  }
  /// Media are not kept: they are large, and read once.
  void keep(const Proof& proof, const StoredFrame& frame) {
    if (proof.table == Table::kMedia) return;
    frames_.emplace_front(&proof, frame);
    at_[&proof] = frames_.begin();
    bytes_ += frame.bytes.size();
    while (bytes_ > kMost) {
      bytes_ -= frames_.back().second.bytes.size();
      at_.erase(frames_.back().first);
      frames_.pop_back();
    }
  }

 private:
  static constexpr size_t kMost = 8u << 20;
  std::list<std::pair<const Proof*, StoredFrame>> frames_;
  std::unordered_map<const Proof*, decltype(frames_)::iterator> at_;
  size_t bytes_ = 0;
};

}  // namespace casebox::storage::internal
