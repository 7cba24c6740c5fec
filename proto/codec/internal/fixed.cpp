// Fixed polynomial predictors of order 0 to 3, as FLAC and Shorten have them (RFC 9639
// section 9.2.5): the residuals of order n are the n-th differences.
//
//   byte 0: order (2 bits), log2 of partition size / 8 (4 bits)
//   varint: the first `order` values as differences of order 0, 1, 2, zigzag
//   bits:   residuals

#include <algorithm>
#include <bit>
#include <cmath>

#include "proto/codec/internal/bits.h"
#include "proto/codec/internal/methods.h"
#include "proto/codec/internal/residuals.h"

namespace casebox::codec::internal {
namespace {

constexpr unsigned kMaxOrder = 3;

// About the bits that Rice codes of short partitions take: a mean of magnitudes would let one QRS
// complex choose the order for the calm around it.
double width(Values residuals) {
  double sum = 0;
  for (uint64_t r : residuals) sum += std::bit_width(zigzag(r));
  return sum;
}

template <unsigned kOrder>
void integrate(Out out) {
  for (size_t i = kOrder; i < out.size(); ++i) {
    if constexpr (kOrder == 1) out[i] += out[i - 1];
    if constexpr (kOrder == 2) out[i] += 2 * out[i - 1] - out[i - 2];
    if constexpr (kOrder == 3) out[i] += 3 * (out[i - 1] - out[i - 2]) + out[i - 3];
  }
}

}  // namespace

Bytes write_fixed(Values values) {
  // residuals[i] for i < order stay differences of order i: what starts the prediction.
  std::vector<uint64_t> residuals(values.begin(), values.end()), best = residuals;
  unsigned order = 0;
  double smallest = width(residuals);
  for (unsigned o = 1; o <= std::min<size_t>(kMaxOrder, values.size()); ++o) {
    for (size_t i = residuals.size(); i-- > o;) residuals[i] -= residuals[i - 1];
    const double m = width(Values(residuals).subspan(o));
    if (m < smallest) smallest = m, order = o, best = residuals;
  }
  for (uint64_t& r : best) r = zigzag(r);
  const Values codes = Values(best).subspan(order);
  const ResidualPlan plan = plan_residuals(codes);
  Bytes out(1, static_cast<char>(order | (plan.size_log << 2)));
  for (unsigned i = 0; i < order; ++i) put_varint(out, best[i]);
  write_residuals(codes, plan, out);
  return out;
}

bool read_fixed(BytesView in, Out out) {
  if (in.empty()) return false;
  const unsigned head = static_cast<uint8_t>(in.front());
  const unsigned order = head & 3;
  in.remove_prefix(1);
  if (order > out.size()) return false;
  for (unsigned i = 0; i < order; ++i) {
    if (!take_varint(in, out[i])) return false;
    out[i] = unzigzag(out[i]);
  }
  if (!read_residuals(in, head >> 2, out.subspan(order))) return false;
  for (unsigned pass = order; pass-- > 1;)
    for (unsigned i = pass; i < order; ++i) out[i] += out[i - 1];
  if (order == 1) integrate<1>(out);
  if (order == 2) integrate<2>(out);
  if (order == 3) integrate<3>(out);
  return true;
}

}  // namespace casebox::codec::internal
