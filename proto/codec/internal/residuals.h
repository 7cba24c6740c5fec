#pragma once

// Rice codes of what a predictor left (Robinson 1994; RFC 9639 section 9.2.7), in partitions of
// equal size with a parameter each. Parameters are written as differences, so that partitions can
// be short: an ECG's QRS complex needs wide codes for a tenth of a second.
//
// Bits: the first partition's parameter in 6 bits; of each later one the difference to the one
// before, zigzag, in zeros and a one. Then a partition's residuals, zigzag: quotient in zeros, a
// one, the remainder. A quotient of 24 means 64 plain bits, a difference of 24 the parameter in 6.
//
// Thread safety: free functions. Errors: see methods.h.

#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/bytes.h"

namespace casebox::codec::internal {

struct ResidualPlan {
  unsigned size_log = 0;            // partitions of 8 << size_log residuals, the last one shorter
  std::vector<uint8_t> parameters;  // of each partition
  uint64_t bits = 0;
};

/// The cheapest partition of `codes`, which are zigzag.
ResidualPlan plan_residuals(std::span<const uint64_t> codes);
void write_residuals(std::span<const uint64_t> codes, const ResidualPlan& plan, Bytes& out);
/// All of `in` is the residuals of `out`, as values again. `size_log` up to 15.
bool read_residuals(BytesView in, unsigned size_log, std::span<uint64_t> out);

}  // namespace casebox::codec::internal
