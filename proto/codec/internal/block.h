#pragma once

// The head of a coded block: method, number of samples, which of them are missing.
//
// Thread safety: free functions.
// Errors: kCorrupt for a head that no encoder writes. Nothing is allocated beyond `expected`
// samples.

#include <cstdint>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/codec/internal/methods.h"

namespace casebox::codec::internal {

struct Head {
  Method method = Method::kConstant;
  size_t present = 0;         // values that follow
  std::vector<bool> missing;  // empty if none is
};

/// Head bytes of a block of `count` samples; `missing` is empty or has `count` entries.
Bytes write_head(Method method, size_t count, const std::vector<bool>& missing);

/// Takes the head off the front of `in`.
Result<Head> take_head(BytesView& in, size_t expected);

}  // namespace casebox::codec::internal
