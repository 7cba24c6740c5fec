// What a program sends to a source of lines becomes items or an error, never a crash.

#include <cstdint>
#include <vector>

#include "recorder/sources/lines_source.h"
#include "tests/fuzz/parses_again.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder;
  static casebox::SystemClock clock;
  Context context;
  context.config.set_name("t");
  context.config.set_url("fuzz");
  context.clock = &clock;
  auto source =
      LinesSource::over(std::move(context), std::string(reinterpret_cast<const char*>(data), size));
  if (!source) return 0;
  std::vector<Item> items;
  while (true) {
    items.clear();
    auto more = (*source)->next(items);
    for (const Item& item : items) {
      if (item.stream >= (*source)->streams().size()) __builtin_trap();
      const auto* samples = std::get_if<Samples>(&item.what);
      if (samples == nullptr) continue;
      for (const Column& column : samples->columns)
        if (column.reals.size() != item.count) __builtin_trap();
    }
    casebox::testing::must_parse_again(**source, items);
    if (!more || !*more) return 0;
  }
}
