// HL7 messages as they come from outside. Everything they yield must fit its registry.

#include <cstdint>

#include "recorder/sources/hl7_source.h"
#include "tests/fuzz/drains.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder;
  Context context;
  context.config.set_name("m");
  context.config.set_url("fuzz");
  auto source =
      Hl7Source::over(std::move(context), std::string(reinterpret_cast<const char*>(data), size));
  if (source) casebox::testing::drain(**source);
  return 0;
}
