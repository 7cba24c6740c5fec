// The header of a fragmented MP4 from a store: rewritten, or refused.

#include <cstdint>

#include "tools/documents/playable_init.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::tools;
  const casebox::BytesView bytes(reinterpret_cast<const char*>(data), size);
  const auto init = playable_init(bytes, 1234);
  const auto scale = playable_timescale(bytes);
  if (init.has_value() != scale.has_value()) __builtin_trap();
  if (init && *playable_timescale(*init) != *scale) __builtin_trap();
  return 0;
}
