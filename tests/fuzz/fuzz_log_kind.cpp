// The beginning of a file given as an event log: one of the kinds, or an error that names the file.

#include <cstdint>
#include <string_view>

#include "analytics/readers/log_kind.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::analytics::readers;
  const std::string_view head(reinterpret_cast<const char*>(data), std::min(size, kLogHead));
  for (const char* name : {"a.xes", "a.csv.gz", "a"}) {
    const auto kind = log_kind_of(head, name);
    if (!kind && !kind.error().message.starts_with(name)) __builtin_trap();
  }
  return 0;
}
