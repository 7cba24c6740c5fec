// Times as people write them: a stamp or nothing, and what is written by the program is read again.

#include <cstdint>
#include <string_view>

#include "proto/text/written_time.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::text;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_slashed(text, DateOrder::kDayFirst);
  (void)parse_slashed(text, DateOrder::kMonthFirst);
  (void)slashed_parts(text);
  (void)parse_clock(text);
  (void)parse_seconds(text);
  (void)parse_zone(text);
  const auto stamp = parse_iso(text);
  if (!stamp) return 0;
  const auto again = parse_iso(format_utc(stamp->utc_ns));
  if (!again || again->utc_ns != stamp->utc_ns) __builtin_trap();
  return 0;
}
