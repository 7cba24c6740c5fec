// Linear prediction of the differences, with coefficients in the block (as FLAC has it for the
// values, RFC 9639 section 9.2.6; of differences, because a wave's mean level then needs no exact
// coefficients). Worth its coefficients where a converter resolves more than its noise: 16-bit ECG
// and pleth take a sixth less, 11-bit ones nothing.
//
//   byte 0: order - 1 (4 bits), log2 of partition size / 8 (4 bits)
//   byte 1: bits of a coefficient - 1 (4 bits), shift (4 bits)
//   varint: the first value, then the first `order` differences as differences of each other,
//   zigzag bits:   coefficients, two's complement, filled up to a byte; then residuals
//
//   difference[i] = residual[i] + ((sum of coefficient[j] * difference[i-1-j]) >> shift)
//
// The encoder finds coefficients in floating point; everything stored and decoded is integer and
// wraps.

#include <algorithm>
#include <array>
#include <cmath>

#include "proto/codec/internal/bits.h"
#include "proto/codec/internal/methods.h"
#include "proto/codec/internal/residuals.h"

namespace casebox::codec::internal {
namespace {

constexpr unsigned kMaxLinearOrder = 16;
constexpr unsigned kTriedOrder = 12;
constexpr unsigned kMaxShift = 15;
constexpr size_t kFewest = 64;     // values below which coefficients never pay
constexpr double kLargest = 1e12;  // differences above which doubles say nothing

struct Predictor {
  unsigned order = 0;
  unsigned precision = 0;  // bits of a coefficient
  unsigned shift = 0;
  std::array<int64_t, kMaxLinearOrder> coefficient{};
};

uint64_t predict(const Predictor& p, const uint64_t* behind) {
  uint64_t sum = 0;
  for (unsigned j = 0; j < p.order; ++j)
    sum += static_cast<uint64_t>(p.coefficient[j]) * *(behind - 1 - j);
  return static_cast<uint64_t>(static_cast<int64_t>(sum) >> p.shift);
}

// Autocorrelation under a Tukey window (10 % each side), lags 0 to kTriedOrder.
std::array<double, kTriedOrder + 1> autocorrelation(const std::vector<double>& d) {
  const size_t n = d.size(), edge = std::max<size_t>(1, n / 10);
  std::vector<double> w(d);
  for (size_t i = 0; i < edge; ++i) {
    const double rise =
        0.5 - 0.5 * std::cos(M_PI * (static_cast<double>(i) + 0.5) / static_cast<double>(edge));
    w[i] *= rise;
    w[n - 1 - i] *= rise;
  }
  std::array<double, kTriedOrder + 1> r{};
  for (size_t lag = 0; lag <= kTriedOrder; ++lag)
    for (size_t i = lag; i < n; ++i) r[lag] += w[i] * w[i - lag];
  return r;
}

// Levinson-Durbin; of all orders the one whose error and coefficients together take the fewest
// bits.
Predictor find_predictor(const std::vector<double>& d) {
  Predictor best;
  const auto r = autocorrelation(d);
  if (r[0] <= 0) return best;
  const unsigned precision = d.size() < 500 ? 8 : d.size() < 2000 ? 9 : 10;
  std::array<double, kTriedOrder> a{}, chosen{};
  double error = r[0], fewest = 0;
  for (unsigned m = 1; m <= kTriedOrder; ++m) {
    double k = r[m];
    for (unsigned j = 1; j < m; ++j) k -= a[j - 1] * r[m - j];
    k /= error;
    const auto old = a;
    a[m - 1] = k;
    for (unsigned j = 1; j < m; ++j) a[j - 1] = old[j - 1] - k * old[m - j - 1];
    error *= 1 - k * k;
    if (!(error > r[0] * 1e-12)) break;
    const double bits = 0.5 * static_cast<double>(d.size()) * std::log2(error / r[0]) +
                        static_cast<double>(m * precision);
    if (bits < fewest) fewest = bits, best.order = m, chosen = a;
  }
  double largest = 0;
  for (unsigned j = 0; j < best.order; ++j) largest = std::max(largest, std::abs(chosen[j]));
  const int whole =
      best.order > 0 ? std::max(0, static_cast<int>(std::ceil(std::log2(largest)))) : 0;
  best.precision = precision;
  best.shift = static_cast<unsigned>(
      std::clamp(static_cast<int>(precision) - 1 - whole, 0, static_cast<int>(kMaxShift)));
  const auto limit = static_cast<double>((int64_t{1} << (precision - 1)) - 1);
  double carried = 0;  // rounding errors are handed on, so that the sum stays right
  for (unsigned j = 0; j < best.order; ++j) {
    carried += chosen[j] * static_cast<double>(1 << best.shift);
    const double rounded = std::clamp(std::round(carried), -limit, limit);
    best.coefficient[j] = static_cast<int64_t>(rounded);
    carried -= rounded;
  }
  return best;
}

}  // namespace

Bytes write_linear(Values values) {
  if (values.size() < kFewest) return {};
  std::vector<uint64_t> differences(values.size() - 1);
  std::vector<double> real(differences.size());
  for (size_t i = 0; i < differences.size(); ++i) {
    differences[i] = values[i + 1] - values[i];
    real[i] = static_cast<double>(static_cast<int64_t>(differences[i]));
    if (std::abs(real[i]) > kLargest) return {};
  }
  const Predictor p = find_predictor(real);
  if (p.order == 0) return {};
  std::vector<uint64_t> codes(differences.size() - p.order);
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint64_t* at = differences.data() + p.order + i;
    codes[i] = zigzag(*at - predict(p, at));
  }
  const ResidualPlan plan = plan_residuals(codes);
  Bytes out;
  out.push_back(static_cast<char>((p.order - 1) | (plan.size_log << 4)));
  out.push_back(static_cast<char>((p.precision - 1) | (p.shift << 4)));
  put_varint(out, zigzag(values[0]));
  for (unsigned i = 0; i < p.order; ++i)
    put_varint(out, zigzag(differences[i] - (i > 0 ? differences[i - 1] : 0)));
  BitWriter bits(out);
  for (unsigned j = 0; j < p.order; ++j)
    bits.put(static_cast<uint64_t>(p.coefficient[j]) & ((uint64_t{1} << p.precision) - 1),
             p.precision);
  bits.finish();
  write_residuals(codes, plan, out);
  return out;
}

bool read_linear(BytesView in, Out out) {
  if (in.size() < 2) return false;
  const unsigned first = static_cast<uint8_t>(in[0]), second = static_cast<uint8_t>(in[1]);
  in.remove_prefix(2);
  Predictor p;
  p.order = (first & 0x0F) + 1;
  p.precision = (second & 0x0F) + 1;
  p.shift = second >> 4;
  if (out.size() < size_t{p.order} + 1) return false;
  // Differences are decoded in the values' own place, one behind.
  uint64_t value = 0;
  if (!take_varint(in, value)) return false;
  out[0] = unzigzag(value);
  const Out differences = out.subspan(1);
  for (unsigned i = 0; i < p.order; ++i) {
    if (!take_varint(in, value)) return false;
    differences[i] = unzigzag(value) + (i > 0 ? differences[i - 1] : 0);
  }
  const size_t size = (p.order * p.precision + 7) / 8;
  if (in.size() < size) return false;
  BitReader bits(in.substr(0, size));
  for (unsigned j = 0; j < p.order; ++j) {
    const uint64_t raw = bits.get(p.precision);
    const uint64_t sign = uint64_t{1} << (p.precision - 1);
    p.coefficient[j] = static_cast<int64_t>((raw ^ sign) - sign);
  }
  if (!bits.at_end()) return false;
  in.remove_prefix(size);
  if (!read_residuals(in, first >> 4, differences.subspan(p.order))) return false;
  for (size_t i = p.order; i < differences.size(); ++i)
    differences[i] += predict(p, differences.data() + i);
  for (uint64_t& v : differences) v += *(&v - 1);
  return true;
}

}  // namespace casebox::codec::internal
