// Tables of instruments in use: events in order of time and gaps that end after they begin, or an
// error.

#include <cstdint>

#include "recorder/sources/instruments_source.h"
#include "tests/fuzz/parses_again.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox;
  using namespace casebox::recorder;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)is_instrument_header(text.substr(0, text.find('\n')), "fuzz");
  Context context;
  context.config.set_name("a");
  context.config.set_url("fuzz");
  auto source = InstrumentsSource::parse(std::move(context), text);
  if (!source) return 0;
  std::vector<Item> items;
  while (true) {
    auto more = (*source)->next(items);
    if (!more || !*more) break;
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0 && items[i].t < items[i - 1].t) __builtin_trap();
    const auto* gap = std::get_if<v1::Gap>(&items[i].what);
    if (gap != nullptr && gap->t_end_ns() < gap->t_begin_ns()) __builtin_trap();
  }
  (void)(*source)->length();
  casebox::testing::must_parse_again(**source, items);
  return 0;
}
