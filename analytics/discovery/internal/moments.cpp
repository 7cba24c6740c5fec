#include "analytics/discovery/internal/moments.h"

#include <array>
#include <cmath>

namespace casebox::analytics::discovery::internal {
namespace {

__extension__ using Wide = unsigned __int128;
using Words = std::array<uint64_t, 4>;  // lowest first

uint64_t low(Wide w) { return static_cast<uint64_t>(w); }
uint64_t high(Wide w) { return static_cast<uint64_t>(w >> 64); }

Words times(const Words& a, uint64_t b) {
  Words out{};
  Wide carry = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    carry += Wide{a[i]} * b;
    out[i] = low(carry);
    carry >>= 64;
  }
  return out;
}

Words minus(const Words& a, const Words& b) {
  Words out{};
  uint64_t borrow = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const Wide take = Wide{b[i]} + borrow;
    out[i] = a[i] - low(take);
    borrow = Wide{a[i]} < take;
  }
  return out;
}

Words square(Wide a) {
  const Words whole = {low(a), high(a), 0, 0};
  Words upper = times(whole, high(a));
  upper = {0, upper[0], upper[1], upper[2]};
  Words out = times(whole, low(a));
  Wide carry = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    carry += Wide{out[i]} + upper[i];
    out[i] = low(carry);
    carry >>= 64;
  }
  return out;
}

long double real(const Words& a) {
  long double out = 0;
  for (size_t i = a.size(); i-- > 0;) out = out * 0x1p64L + static_cast<long double>(a[i]);
  return out;
}

}  // namespace

long double Moments::sd_ns() const {
  // (n Q - S^2) / (n (n - 1)), the numerator exact.
  const Words scaled = times({low(squares_), high(squares_), squares_high_, 0}, n_);
  const long double n = static_cast<long double>(n_);
  return std::sqrt(real(minus(scaled, square(sum_))) / n / (n - 1));
}

}  // namespace casebox::analytics::discovery::internal
