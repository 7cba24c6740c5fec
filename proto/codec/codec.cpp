#include "proto/codec/codec.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "proto/codec/internal/bits.h"
#include "proto/codec/internal/block.h"
#include "proto/codec/internal/methods.h"

namespace casebox::codec {
namespace {

using namespace internal;

// Bit patterns of the samples that are there.
template <typename T>
std::vector<uint64_t> present_bits(std::span<const T> values, const std::vector<bool>& missing) {
  std::vector<uint64_t> out;
  out.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    if (missing.empty() || !missing[i]) out.push_back(std::bit_cast<uint64_t>(values[i]));
  return out;
}

// Puts the samples back between the missing ones; those are 0.
template <typename T>
std::vector<T> spread(const std::vector<uint64_t>& bits, const std::vector<bool>& missing,
                      size_t count) {
  std::vector<T> out(count);
  size_t next = 0;
  for (size_t i = 0; i < count; ++i)
    if (missing.empty() || !missing[i]) out[i] = std::bit_cast<T>(bits[next++]);
  return out;
}

bool constant(const std::vector<uint64_t>& bits) {
  return std::all_of(bits.begin(), bits.end(), [&](uint64_t b) { return b == bits.front(); });
}

// The same number as a float's bit pattern. NaNs go by hand: a conversion by the processor would
// set their quiet bit. nullopt if a float cannot hold it.
std::optional<uint64_t> to_single(uint64_t bits) {
  const uint64_t sign = bits >> 63, fraction = bits & ((uint64_t{1} << 52) - 1);
  if (((bits >> 52) & 0x7FF) == 0x7FF && fraction != 0) {
    if ((fraction & ((uint64_t{1} << 29) - 1)) != 0) return std::nullopt;
    return (sign << 31) | 0x7F800000u | (fraction >> 29);
  }
  const auto value = std::bit_cast<double>(bits);
  const auto single = static_cast<float>(value);
  if (std::bit_cast<uint64_t>(static_cast<double>(single)) != bits) return std::nullopt;
  return std::bit_cast<uint32_t>(single);
}

uint64_t from_single(uint64_t bits) {
  const uint64_t sign = (bits >> 31) & 1, fraction = bits & 0x7FFFFF;
  if (((bits >> 23) & 0xFF) == 0xFF)
    return (sign << 63) | (uint64_t{0x7FF} << 52) | (fraction << 29);
  return std::bit_cast<uint64_t>(
      static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits))));
}

Error damaged(Method method) {
  return {Code::kCorrupt, "coded samples: damaged, or of a later program (method " +
                              std::to_string(static_cast<int>(method)) + ")"};
}

bool read_constant(BytesView in, std::vector<uint64_t>& out) {
  if (out.empty()) return in.empty();
  uint64_t v = 0;
  if (!take_varint(in, v) || !in.empty()) return false;
  std::fill(out.begin(), out.end(), unzigzag(v));
  return true;
}

bool read_real_constant(BytesView in, std::vector<uint64_t>& out) {
  if (in.size() != 8) return false;
  std::fill(out.begin(), out.end(), load_le<uint64_t>(in.data()));
  return true;
}

}  // namespace

// No method suits all signals: a held value, a counter, a pressure wave of 12 bits, an ECG of 16.
// Each block is coded by every method and the smallest is kept; the decoder reads one byte and does
// what it says. All of them predict a sample from those before it and store what the prediction
// missed, in as many bits as that is wide:
//
//   delta, delta2  the last value, or the line through the last two; differences of one width
//   fixed          polynomials of order 0 to 3 through the last samples; Rice codes (Shorten:
//                  Robinson 1994)
//   linear         coefficients made for the block (Levinson-Durbin); Rice codes, as FLAC has it
//                  (RFC 9639)
//   shuffle        no prediction; bytes of equal weight side by side, for zstd
//
// Rice codes (Rice & Plaunt 1971) are best for misses that fall off geometrically, which is how a
// good predictor misses; their one parameter changes within the block, as a wave is calm and wild.
//
// Invariant: integers wrap modulo 2^64 in every prediction, on both sides alike, so that decoding
// gives back each bit whatever was predicted, and no input overflows. Floating point is used to
// choose, never to restore.
Bytes encode(std::span<const int64_t> values, const std::vector<bool>& missing) {
  const std::vector<uint64_t> bits = present_bits(values, missing);
  Method method = Method::kConstant;
  Bytes best;
  if (constant(bits)) {
    if (!bits.empty()) put_varint(best, zigzag(bits.front()));
  } else {
    method = Method::kDelta;
    best = write_packed(bits, 1);
    const auto offer = [&](Method m, Bytes coded) {
      if (!coded.empty() && coded.size() < best.size()) best = std::move(coded), method = m;
    };
    offer(Method::kDelta2, write_packed(bits, 2));
    offer(Method::kFixed, write_fixed(bits));
    offer(Method::kLinear, write_linear(bits));
    offer(Method::kShuffle, write_shuffled(bits));
  }
  return write_head(method, values.size(), missing) + best;
}

Bytes encode_reals(std::span<const double> values, bool single, const std::vector<bool>& missing) {
  std::vector<uint64_t> bits = present_bits(values, missing);
  Method method = Method::kDouble;
  size_t width = 8;
  Bytes best;
  if (constant(bits)) {
    method = Method::kRealConstant;
    best.resize(8);
    store_le<uint64_t>(best.data(), bits.empty() ? 0 : bits.front());
  } else {
    if (single) {
      std::vector<uint64_t> narrow;
      narrow.reserve(bits.size());
      for (uint64_t b : bits)
        if (auto f = to_single(b)) narrow.push_back(*f);
      // A value that no float holds keeps the whole block in doubles: exact comes before small.
      if (narrow.size() == bits.size())
        bits = std::move(narrow), width = 4, method = Method::kSingle;
    }
    best = write_xored(bits, width);
  }
  return write_head(method, values.size(), missing) + best;
}

Result<Ints> decode(BytesView coded, size_t expected) {
  CASEBOX_TRY(Head head, take_head(coded, expected));
  std::vector<uint64_t> bits(head.present);
  bool good = false;
  switch (head.method) {
    case Method::kConstant: good = read_constant(coded, bits); break;
    case Method::kDelta: good = read_packed(coded, 1, bits); break;
    case Method::kDelta2: good = read_packed(coded, 2, bits); break;
    case Method::kFixed: good = read_fixed(coded, bits); break;
    case Method::kShuffle: good = read_shuffled(coded, bits); break;
    case Method::kLinear: good = read_linear(coded, bits); break;
    default: break;
  }
  if (!good) return damaged(head.method);
  Ints out;
  out.values = spread<int64_t>(bits, head.missing, expected);
  out.missing = std::move(head.missing);
  return out;
}

Result<Reals> decode_reals(BytesView coded, size_t expected) {
  CASEBOX_TRY(Head head, take_head(coded, expected));
  std::vector<uint64_t> bits(head.present);
  bool good = false;
  switch (head.method) {
    case Method::kRealConstant: good = read_real_constant(coded, bits); break;
    case Method::kDouble: good = read_xored(coded, 8, bits); break;
    case Method::kSingle:
      good = read_xored(coded, 4, bits);
      std::transform(bits.begin(), bits.end(), bits.begin(), from_single);
      break;
    default: break;
  }
  if (!good) return damaged(head.method);
  Reals out;
  out.values = spread<double>(bits, head.missing, expected);
  out.missing = std::move(head.missing);
  return out;
}

}  // namespace casebox::codec
