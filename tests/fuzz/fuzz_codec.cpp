// Coded samples from a frame of a stranger: the first two bytes are the number of samples that its
// header would promise. Whatever decodes has that many, and encodes and decodes to itself.

#include <bit>
#include <cstdint>
#include <cstdlib>

#include "proto/codec/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace codec = casebox::codec;
  if (size < 2) return 0;
  const size_t expected = data[0] | (size_t{data[1]} << 8);
  const casebox::BytesView bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (auto ints = codec::decode(bytes, expected)) {
    if (ints->values.size() != expected) std::abort();
    auto again = codec::decode(codec::encode(ints->values, ints->missing), expected);
    if (!again || *again != *ints) std::abort();
  }
  if (auto reals = codec::decode_reals(bytes, expected)) {
    if (reals->values.size() != expected) std::abort();
    auto again =
        codec::decode_reals(codec::encode_reals(reals->values, true, reals->missing), expected);
    if (!again || again->missing != reals->missing) std::abort();
    for (size_t i = 0; i < expected; ++i)
      if (std::bit_cast<uint64_t>(again->values[i]) != std::bit_cast<uint64_t>(reals->values[i]))
        std::abort();
  }
  return 0;
}
