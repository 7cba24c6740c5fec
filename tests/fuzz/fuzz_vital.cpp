// A .vital file: gzip from outside, or (first byte 0) its packets alone, which damage reaches more
// easily than what a checksum guards. Everything it yields must fit its registry.

#include <zlib.h>

#include <cstdint>
#include <vector>

#include "recorder/sources/vital_source.h"
#include "tests/fuzz/parses_again.h"

namespace {

std::string stored(const uint8_t* data, size_t size) {
  z_stream z{};
  deflateInit2(&z, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, size) + 64, '\0');
  z.next_in = const_cast<Bytef*>(data);
  z.avail_in = static_cast<uInt>(size);
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder;
  if (size == 0) return 0;
  Context context;
  context.config.set_name("m");
  context.config.set_url("fuzz");
  const std::string bytes = data[0] == 0 ? stored(data + 1, size - 1)
                                         : std::string(reinterpret_cast<const char*>(data), size);
  auto source = VitalSource::over(std::move(context), bytes);
  if (!source) return 0;
  std::vector<Item> items;
  while (true) {
    items.clear();
    auto more = (*source)->next(items);
    for (const Item& item : items)
      if (item.stream >= (*source)->streams().size()) __builtin_trap();
    casebox::testing::must_parse_again(**source, items);
    if (!more || !*more) return 0;
  }
}
