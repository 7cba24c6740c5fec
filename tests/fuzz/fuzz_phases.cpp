// Annotations, JSON or a table: intervals that do not end before they start, or an error.

#include <cstdint>

#include "recorder/sources/internal/phase_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder::internal;
  auto file = read_phases(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!file) return 0;
  for (const PhaseCase& one : file->cases)
    for (const PhaseInterval& interval : one.intervals)
      if (interval.end < interval.start) __builtin_trap();
  return 0;
}
