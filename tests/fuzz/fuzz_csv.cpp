// A CSV log from outside becomes an event log or an error, never a crash.

#include <cstdint>
#include <string_view>

#include "analytics/readers/csv_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)casebox::analytics::readers::read_csv_text(text, "fuzz");
  return 0;
}
