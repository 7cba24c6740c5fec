// A WFDB record as it comes from outside: its header, and behind a zero byte what all files beside
// it hold, those of its segments included. Everything it yields must fit its registry.

#include <cstdint>
#include <cstring>
#include <string>

#include "recorder/sources/wfdb_source.h"
#include "tests/fuzz/drains.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder;
  const std::string all(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(all.find('\0'), all.size());
  const std::string rest = end < all.size() ? all.substr(end + 1) : std::string();
  // Time costs nothing in a header: what would only be a long gap is left to the other tests.
  const std::string header = all.substr(0, end);
  Context context;
  context.config.set_name("m");
  context.config.set_url("fuzz");
  auto source = WfdbSource::over(std::move(context), header, [&](const std::string& name) {
    const bool is_header = name.ends_with(".hea");
    return casebox::Result<internal::ByteInput>(
        internal::ByteInput::over(is_header ? header : rest));
  });
  if (source) casebox::testing::drain(**source);
  return 0;
}
