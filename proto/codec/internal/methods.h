#pragma once

// The methods of the sample codec. Each writes the bytes behind the block's head, and reads them
// into `out`, whose size says how many values there are. Values are unsigned 64-bit patterns:
// differences wrap, so that no pair of them overflows.
//
// Thread safety: free functions; the zstd contexts are one per thread.
// Errors: a reader returns false for bytes that its writer could not have made.

#include <cstdint>
#include <span>

#include "proto/base/bytes.h"

namespace casebox::codec::internal {

enum class Method : uint8_t {
  kConstant = 1,
  kDelta = 2,
  kDelta2 = 3,
  kFixed = 4,
  kShuffle = 5,
  kLinear = 6,
  kRealConstant = 16,
  kDouble = 17,
  kSingle = 18,
};

using Values = std::span<const uint64_t>;
using Out = std::span<uint64_t>;

/// First (and of order 2 second) value, then bit-packed differences of that order, all of one
/// width.
Bytes write_packed(Values values, unsigned order);
bool read_packed(BytesView in, unsigned order, Out out);

/// Fixed polynomial predictor of order 0-3, Rice-coded residuals.
Bytes write_fixed(Values values);
bool read_fixed(BytesView in, Out out);

/// Linear prediction with coefficients in the block, Rice-coded residuals. Empty if it cannot pay.
Bytes write_linear(Values values);
bool read_linear(BytesView in, Out out);

/// Values or their differences in as few bytes as hold them, bytes of one rank together, zstd.
Bytes write_shuffled(Values values);
bool read_shuffled(BytesView in, Out out);

/// XOR with the value before, `width` bytes each, bytes of one rank together, zstd.
Bytes write_xored(Values values, size_t width);
bool read_xored(BytesView in, size_t width, Out out);

}  // namespace casebox::codec::internal
