// Parts of a kept copy: whatever is read is written back as it was, and nothing beyond the bytes is
// touched or taken.

#include <cstdint>

#include "analytics/facts/kept_form.h"

using namespace casebox;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes(reinterpret_cast<const char*>(data), size);
  for (size_t p = 0; p < analytics::facts::kKeptParts; ++p) {
    const auto part = static_cast<analytics::facts::KeptPart>(p);
    analytics::facts::CaseFacts facts;
    if (!analytics::facts::from_kept(bytes, part, facts)) continue;
    const Bytes once = analytics::facts::to_kept(facts, part);
    analytics::facts::CaseFacts again;
    if (!analytics::facts::from_kept(once, part, again) ||
        analytics::facts::to_kept(again, part) != once)
      __builtin_trap();
  }
  return 0;
}
