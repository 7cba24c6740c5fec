// Annotations, JSON or a table: intervals that do not end before they start, or an error; and the
// events that a source makes of them. The first byte 0: the rest is said to be Korean.

#include <cstdint>

#include "recorder/sources/internal/phase_file.h"
#include "recorder/sources/phases_source.h"
#include "tests/fuzz/parses_again.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder;
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const bool declared = bytes[0] == '\0';
  Context context;
  context.config.set_name("a");
  context.config.set_url("fuzz");
  if (declared) context.config.set_encoding("windows-949");
  const std::string text = bytes.substr(declared ? 1 : 0);
  auto file = internal::read_phases(text, "fuzz", context.config.encoding());
  if (!file) return 0;
  for (const internal::PhaseCase& one : file->cases)
    for (const internal::PhaseInterval& interval : one.intervals)
      if (interval.end < interval.start) __builtin_trap();
  if (file->cases.size() > 1) context.config.set_case_key(file->cases.back().name);
  auto source = PhasesSource::parse(std::move(context), text);
  if (!source && !file->cases.back().bad) __builtin_trap();
  if (!source) return 0;
  std::vector<Item> items;
  while (true) {
    auto more = (*source)->next(items);
    if (!more || !*more) break;
  }
  (void)(*source)->length();
  casebox::testing::must_parse_again(**source, items);
  return 0;
}
