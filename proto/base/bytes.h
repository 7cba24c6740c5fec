#pragma once

// Byte strings, views and little-/big-endian fields.
//
// `Bytes` is std::string: that is what protobuf, RocksDB and librdkafka take without a copy.
// Thread safety: plain values.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "proto/base/result.h"

namespace casebox {

using Bytes = std::string;
using BytesView = std::string_view;

/// 32 bytes: SHA-256 digests, chain heads, keys.
using Digest = std::array<uint8_t, 32>;

inline BytesView view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// The first 32 bytes of `bytes`; kCorrupt if there are fewer or more.
Result<Digest> to_digest(BytesView bytes);

/// Lower-case hex.
std::string to_hex(BytesView bytes);
inline std::string to_hex(const Digest& digest) { return to_hex(view(digest)); }

/// kInvalidArgument unless `hex` is an even number of hex digits.
Result<Bytes> from_hex(std::string_view hex);

/// Little-endian field at `at`; the caller has checked the bounds.
template <typename T>
T load_le(const char* at) {
  static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void store_le(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

/// Big-endian, so that byte order is number order in a key. A signed value has its sign bit
/// flipped.
template <typename T>
void append_be(Bytes& out, T value) {
  using U = std::make_unsigned_t<T>;
  auto u = static_cast<U>(value);
  if constexpr (std::is_signed_v<T>) u ^= U{1} << (sizeof(U) * 8 - 1);
  for (int shift = (sizeof(U) - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<uint8_t>(u >> shift)));
}

/// Inverse of append_be; the caller has checked the bounds.
template <typename T>
T load_be(const char* at) {
  using U = std::make_unsigned_t<T>;
  U u = 0;
  for (size_t i = 0; i < sizeof(U); ++i) u = static_cast<U>((u << 8) | static_cast<uint8_t>(at[i]));
  if constexpr (std::is_signed_v<T>) u ^= U{1} << (sizeof(U) * 8 - 1);
  return static_cast<T>(u);
}

}  // namespace casebox
