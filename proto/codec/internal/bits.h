#pragma once

// Bits, variable-length numbers and zigzag: what every method of the sample codec is written with.
// Bits fill bytes from the least significant one up.
//
// Thread safety: plain values.
// Errors: a reader that runs past its end says so in `failed` and yields zeros from then on.

#include <bit>
#include <cstdint>

#include "proto/base/bytes.h"

namespace casebox::codec::internal {

/// Signed to unsigned so that small magnitudes are small numbers: 0, -1, 1, -2 -> 0, 1, 2, 3.
inline uint64_t zigzag(uint64_t v) { return (v << 1) ^ (uint64_t{0} - (v >> 63)); }
inline uint64_t unzigzag(uint64_t u) { return (u >> 1) ^ (uint64_t{0} - (u & 1)); }

inline void put_varint(Bytes& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

/// Takes a varint off the front of `in`; false if it is cut off or longer than 64 bits.
inline bool take_varint(BytesView& in, uint64_t& v) {
  v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (in.empty()) return false;
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    v |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

class BitWriter {
 public:
  explicit BitWriter(Bytes& out) : out_(out) {}

  /// The low `count` bits of `v`, which has no others; up to 64.
  void put(uint64_t v, unsigned count) {
    if (count > 32) {
      put_short(v & 0xFFFFFFFF, 32);
      put_short(v >> 32, count - 32);
    } else {
      put_short(v, count);
    }
  }
  /// The last byte, filled up with zero bits.
  void finish() {
    for (; held_ > 0; held_ = held_ > 8 ? held_ - 8 : 0, bits_ >>= 8)
      out_.push_back(static_cast<char>(bits_));
  }

 private:
  void put_short(uint64_t v, unsigned count) {
    bits_ |= v << held_;
    held_ += count;
    while (held_ >= 8) {
      out_.push_back(static_cast<char>(bits_));
      bits_ >>= 8;
      held_ -= 8;
    }
  }

  Bytes& out_;
  uint64_t bits_ = 0;
  unsigned held_ = 0;
};

class BitReader {
 public:
  explicit BitReader(BytesView in) : at_(in.data()), end_(in.data() + in.size()) {}

  /// `count` bits, up to 64.
  uint64_t get(unsigned count) {
    if (count > 56) {
      const uint64_t low = get_short(32);
      return low | (get_short(count - 32) << 32);
    }
    return get_short(count);
  }

  /// Zeros before the next one bit, which is taken too; fails above `limit`, at most 32.
  unsigned get_unary(unsigned limit) {
    refill();
    const unsigned zeros = bits_ == 0 ? 64 : static_cast<unsigned>(std::countr_zero(bits_));
    if (zeros > limit || zeros >= held_) {
      failed_ = true;
      return 0;
    }
    bits_ >>= zeros + 1;
    held_ -= zeros + 1;
    return zeros;
  }

  bool failed() const { return failed_; }
  /// True if nothing is left but the zero bits that fill the last byte.
  bool at_end() const { return !failed_ && at_ == end_ && held_ < 8 && bits_ == 0; }

 private:
  uint64_t get_short(unsigned count) {
    refill();
    if (count > held_) {
      failed_ = true;
      return 0;
    }
    const uint64_t v = bits_ & ((uint64_t{1} << count) - 1);
    bits_ >>= count;
    held_ -= count;
    return v;
  }
  void refill() {
    if (end_ - at_ >= 8) {
      const unsigned bytes = (63 - held_) >> 3;
      if (bytes == 0) return;
      uint64_t word = load_le<uint64_t>(at_);
      if (bytes < 8) word &= (uint64_t{1} << (8 * bytes)) - 1;
      bits_ |= word << held_;
      at_ += bytes;
      held_ += 8 * bytes;
      return;
    }
    while (held_ <= 56 && at_ < end_) {
      bits_ |= uint64_t{static_cast<uint8_t>(*at_++)} << held_;
      held_ += 8;
    }
  }

  const char* at_;
  const char* end_;
  uint64_t bits_ = 0;
  unsigned held_ = 0;
  bool failed_ = false;
};

}  // namespace casebox::codec::internal
