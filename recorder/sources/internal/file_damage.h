#pragma once

// Where a container's own structure breaks, and how a walk over it reads the file.
//
// Thread safety: plain values.

#include <cstddef>
#include <cstdint>
#include <functional>

namespace casebox::recorder::internal {

struct FileDamage {
  uint64_t offset = 0;
  bool ends_early = false;  // otherwise: bytes that are no part of such a file
};

/// Reads up to `size` bytes at `offset`; how many there were.
using ReadAt = std::function<size_t(uint64_t offset, unsigned char* into, size_t size)>;

}  // namespace casebox::recorder::internal
