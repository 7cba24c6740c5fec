// A configuration file: text from outside becomes a message or an error, never a crash; and the
// message parses again.

#include <cstdint>
#include <string_view>

#include "casebox/v1/config.pb.h"
#include "tests/fuzz/parses_again.h"
#include "tools/config/config.h"
#include "tools/config/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  casebox::v1::RecorderConfig config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!casebox::tools::read_yaml(text, "fuzz", config)) return 0;
  casebox::testing::must_parse_again(config);
  (void)casebox::tools::write_yaml(config, true);
  casebox::tools::fill_defaults(config);
  (void)casebox::tools::check(config, "fuzz");
  return 0;
}
