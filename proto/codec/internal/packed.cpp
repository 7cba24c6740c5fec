#include <algorithm>
#include <bit>
#include <vector>

#include "proto/codec/internal/bits.h"
#include "proto/codec/internal/methods.h"

namespace casebox::codec::internal {

Bytes write_packed(Values values, unsigned order) {
  Bytes out;
  uint64_t previous = 0, delta = 0, all = 0;
  std::vector<uint64_t> rest;
  rest.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t d = values[i] - previous;
    const uint64_t coded = zigzag(order == 2 && i > 1 ? d - delta : d);
    previous = values[i];
    delta = d;
    if (i < order) {
      put_varint(out, coded);
      continue;
    }
    rest.push_back(coded);
    all |= coded;
  }
  const auto width = static_cast<unsigned>(std::bit_width(all));
  out.push_back(static_cast<char>(width));
  BitWriter bits(out);
  for (uint64_t coded : rest) bits.put(coded, width);
  bits.finish();
  return out;
}

bool read_packed(BytesView in, unsigned order, Out out) {
  uint64_t previous = 0, delta = 0;
  const size_t first = std::min<size_t>(order, out.size());
  for (size_t i = 0; i < first; ++i) {
    uint64_t coded = 0;
    if (!take_varint(in, coded)) return false;
    delta = unzigzag(coded);
    out[i] = previous += delta;
  }
  if (in.empty()) return false;
  const unsigned width = static_cast<uint8_t>(in.front());
  if (width > 64) return false;
  in.remove_prefix(1);
  // Checked before the loop: a hostile width costs nothing.
  if (in.size() != ((out.size() - first) * width + 7) / 8) return false;
  BitReader bits(in);
  for (size_t i = first; i < out.size(); ++i) {
    const uint64_t d = unzigzag(bits.get(width));
    delta = order == 2 ? delta + d : d;
    out[i] = previous += delta;
  }
  return bits.at_end();
}

}  // namespace casebox::codec::internal
