// Boxes of a movie fragment: sizes that add up to the payload, or nothing.

#include <cstdint>

#include "recorder/sources/internal/cmaf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder::internal;
  const auto found = sample_sizes({reinterpret_cast<const char*>(data), size});
  if (!found) return 0;
  uint64_t total = found->payload;
  for (uint32_t n : found->sizes) total += n;
  if (total > size) __builtin_trap();
  return 0;
}
