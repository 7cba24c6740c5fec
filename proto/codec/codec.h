#pragma once

// The sample codec: one function in, one function out. A coded block names its method in its first
// byte, so that better methods can be added without a new version (docs/formats/samples.md).
//
// Thread safety: free functions.
// Errors: decode of damaged or hostile bytes is kCorrupt; it never allocates more than
// `max_samples` asks.

#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::codec {

/// Upper bound of the samples of one block (10 s at 100 kHz).
constexpr size_t kMaxSamples = 1 << 20;

/// Integer samples: ADC codes or scaled decimals.
struct Ints {
  std::vector<int64_t> values;
  std::vector<bool> missing;  // empty, or one per value; a missing sample's value is 0
  bool operator==(const Ints&) const = default;
};

/// Real samples; kept bit for bit, NaN payloads included.
struct Reals {
  std::vector<double> values;
  std::vector<bool> missing;
  bool operator==(const Reals&) const = default;
};

/// The smallest of constant, delta and delta2 bit-packing, order 0-3 and linear predictors with
/// Rice codes, and byte-shuffle with zstd. `missing` is empty or has one entry per value.
Bytes encode(std::span<const int64_t> values, const std::vector<bool>& missing = {});
/// XOR with the previous value, byte-shuffled, zstd. `single` stores 32-bit patterns; every value
/// must be exactly representable as float.
Bytes encode_reals(std::span<const double> values, bool single,
                   const std::vector<bool>& missing = {});

/// `expected`: how many samples the caller's frame header promises; another number is kCorrupt.
Result<Ints> decode(BytesView coded, size_t expected);
Result<Reals> decode_reals(BytesView coded, size_t expected);

}  // namespace casebox::codec
