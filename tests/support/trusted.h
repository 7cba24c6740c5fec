#pragma once

// Trust lists for tests. Thread safety: free functions.

#include <string>
#include <vector>

#include "proto/trust/trust.h"
#include "tests/support/frames.h"

namespace casebox::testing {

/// A list that enrols each of these, in its role, from always on.
inline trust::TrustList trust_of(const std::vector<const FrameMaker*>& makers) {
  v1::TrustList list;
  for (const FrameMaker* maker : makers) {
    bool there = false;
    for (const auto& known : list.producers())
      there = there || known.key() == view(maker->key->public_key());
    if (there) continue;
    auto& one = *list.add_producers();
    one.set_name("p" + std::to_string(list.producers_size()));
    one.set_role(maker->role);
    one.set_key(Bytes(view(maker->key->public_key())));
  }
  return *trust::TrustList::parse(
      trust::TrustList::sign(std::move(list), seal::SigningKey::generate()));
}

}  // namespace casebox::testing
