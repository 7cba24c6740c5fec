// The skeleton of a Matroska file: damage lies inside the file, or there is none.

#include <algorithm>
#include <cstdint>

#include "recorder/sources/internal/ebml_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto damage = casebox::recorder::internal::find_ebml_damage(
      [&](uint64_t offset, unsigned char* into, size_t n) -> size_t {
        if (offset > size) __builtin_trap();
        n = std::min(n, size - static_cast<size_t>(offset));
        std::copy_n(data + offset, n, into);
        return n;
      },
      size);
  if (damage && damage->offset > size) __builtin_trap();
  return 0;
}
