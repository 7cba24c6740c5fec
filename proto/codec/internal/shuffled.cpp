#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "proto/codec/internal/bits.h"
#include "proto/codec/internal/methods.h"

namespace casebox::codec::internal {
namespace {

constexpr int kLevel = 3;
constexpr uint8_t kDeltas = 0x10;

struct FreeContext {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

// Appends the compressed bytes; the sizes that the block's head implies are not said again.
void compress(BytesView plain, Bytes& out) {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context = [] {
    std::unique_ptr<ZSTD_CCtx, FreeContext> c(ZSTD_createCCtx());
    ZSTD_CCtx_setParameter(c.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(c.get(), ZSTD_c_contentSizeFlag, 0);
    return c;
  }();
  const size_t front = out.size();
  out.resize(front + ZSTD_compressBound(plain.size()));
  const size_t n = ZSTD_compress2(context.get(), out.data() + front, out.size() - front,
                                  plain.data(), plain.size());
  // Only a destination that is too small could fail, and this one is not.
  out.resize(front + (ZSTD_isError(n) ? 0 : n));
}

bool decompress(BytesView in, Bytes& plain) {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  const size_t n =
      ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(), in.data(), in.size());
  return !ZSTD_isError(n) && n == plain.size();
}

// Byte 0 of every value, then byte 1 of every value, ...
Bytes shuffle(Values values, size_t width) {
  Bytes out(values.size() * width, '\0');
  char* at = out.data();
  for (size_t rank = 0; rank < width; ++rank)
    for (uint64_t v : values) *at++ = static_cast<char>(v >> (8 * rank));
  return out;
}

void unshuffle(BytesView in, size_t width, Out out) {
  std::fill(out.begin(), out.end(), 0);
  const char* at = in.data();
  for (size_t rank = 0; rank < width; ++rank)
    for (uint64_t& v : out) v |= uint64_t{static_cast<uint8_t>(*at++)} << (8 * rank);
}

Bytes write_one(Values codes, uint8_t kind) {
  uint64_t all = 0;
  for (uint64_t u : codes) all |= u;
  const size_t width = (static_cast<size_t>(std::bit_width(all)) + 7) / 8;
  Bytes out(1, static_cast<char>(kind | width));
  if (width > 0) compress(shuffle(codes, width), out);
  return out;
}

}  // namespace

Bytes write_shuffled(Values values) {
  std::vector<uint64_t> plain(values.size()), deltas(values.size());
  uint64_t previous = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    plain[i] = zigzag(values[i]);
    deltas[i] = zigzag(values[i] - previous);
    previous = values[i];
  }
  Bytes a = write_one(plain, 0), b = write_one(deltas, kDeltas);
  return a.size() <= b.size() ? a : b;
}

bool read_shuffled(BytesView in, Out out) {
  if (in.empty()) return false;
  const auto head = static_cast<uint8_t>(in.front());
  in.remove_prefix(1);
  const size_t width = head & 0x0F;
  if (width > 8 || (head & ~(kDeltas | 0x0F)) != 0) return false;
  if (width == 0 && !in.empty()) return false;
  Bytes plain(out.size() * width, '\0');
  if (width > 0 && !decompress(in, plain)) return false;
  unshuffle(plain, width, out);
  uint64_t previous = 0;
  for (uint64_t& v : out) {
    v = unzigzag(v);
    if (head & kDeltas) v = previous += v;
  }
  return true;
}

Bytes write_xored(Values values, size_t width) {
  std::vector<uint64_t> codes(values.size());
  uint64_t previous = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    codes[i] = values[i] ^ previous;
    previous = values[i];
  }
  Bytes out;
  compress(shuffle(codes, width), out);
  return out;
}

bool read_xored(BytesView in, size_t width, Out out) {
  Bytes plain(out.size() * width, '\0');
  if (!decompress(in, plain)) return false;
  unshuffle(plain, width, out);
  uint64_t previous = 0;
  for (uint64_t& v : out) v = previous ^= v;
  return true;
}

}  // namespace casebox::codec::internal
