// A protocol file from outside becomes a norm or an error; a norm can be linted.

#include <cstdint>
#include <string_view>

#include "analytics/protocol/lint.h"
#include "tools/config/protocol_yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = casebox::tools::read_protocol(text, "fuzz");
  if (!file) return 0;
  const auto norm = casebox::tools::compile_protocol(*file, "fuzz");
  // Interleavings of many steps are lint's own limit; a fuzzer need not wait for it.
  if (norm && norm->net.transitions.size() <= 24) (void)casebox::analytics::protocol::lint(*norm);
  return 0;
}
