// A BPMN model from outside becomes a norm or an error; a norm can be aligned with a case within a
// budget.

#include <cstdint>
#include <string_view>

#include "analytics/readers/model_reader.h"
#include "tests/fuzz/align.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto norm = casebox::analytics::readers::read_bpmn(text, "fuzz"))
    casebox::testing::align_within_budget(*norm);
  return 0;
}
