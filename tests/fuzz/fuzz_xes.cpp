// A XES log from outside becomes an event log or an error; what was read can be written and read
// again.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "analytics/readers/xes_reader.h"
#include "analytics/readers/xes_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::analytics;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto log = readers::read_xes_text(text, "fuzz");
  if (!log) return 0;
  std::string written;
  readers::write_xes(*log, [&](std::string_view piece) { written += piece; });
  const auto again = readers::read_xes_text(written, "again");
  if (!again || again->event_count() != log->event_count()) std::abort();
  return 0;
}
