#include "proto/codec/internal/residuals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "proto/codec/internal/bits.h"

namespace casebox::codec::internal {
namespace {

constexpr unsigned kEscape = 24;
constexpr unsigned kMaxParameter = 62;
constexpr size_t kSmallest = 8;
constexpr unsigned kMaxSizeLog = 15;
// Parameters tried around that of the mean: wide enough for a QRS complex and for the calm beside
// it.
constexpr unsigned kTried = 10;
constexpr unsigned kBelowMean = 5;

using Costs = std::array<uint64_t, kTried>;

uint64_t code_bits(uint64_t u, unsigned k) {
  const uint64_t q = u >> k;
  return q < kEscape ? q + 1 + k : kEscape + 1 + 64;
}

uint64_t difference_code(unsigned k, unsigned before) {
  return zigzag(static_cast<uint64_t>(k) - static_cast<uint64_t>(before));
}

uint64_t parameter_bits(unsigned k, unsigned before) {
  const uint64_t difference = difference_code(k, before);
  return difference < kEscape ? difference + 1 : kEscape + 1 + 6;
}

unsigned lowest_parameter(std::span<const uint64_t> codes) {
  double sum = 0;
  for (uint64_t u : codes) sum += static_cast<double>(u);
  const double mean = sum / static_cast<double>(std::max<size_t>(1, codes.size()));
  unsigned k = 0;
  while (k < kMaxParameter && static_cast<double>(uint64_t{1} << k) < mean) ++k;
  k = k > kBelowMean ? k - kBelowMean : 0;
  return std::min(k, kMaxParameter + 1 - kTried);
}

void put_unary(BitWriter& bits, uint64_t zeros) {
  bits.put(uint64_t{1} << zeros, static_cast<unsigned>(zeros) + 1);
}

void put_code(BitWriter& bits, uint64_t u, unsigned k) {
  const uint64_t q = u >> k;
  put_unary(bits, std::min<uint64_t>(q, kEscape));
  if (q >= kEscape)
    bits.put(u, 64);
  else
    bits.put(u & ((uint64_t{1} << k) - 1), k);
}

}  // namespace

ResidualPlan plan_residuals(std::span<const uint64_t> codes) {
  const unsigned lowest = lowest_parameter(codes);
  // Costs of the smallest partitions, merged in pairs from level to level.
  std::vector<Costs> parts((codes.size() + kSmallest - 1) / kSmallest, Costs{});
  for (size_t i = 0; i < codes.size(); ++i)
    for (unsigned j = 0; j < kTried; ++j)
      parts[i / kSmallest][j] += code_bits(codes[i], lowest + j);
  ResidualPlan best;
  best.bits = std::numeric_limits<uint64_t>::max();
  for (unsigned size_log = 0;; ++size_log) {
    ResidualPlan plan;
    plan.size_log = size_log;
    plan.bits = 6;
    for (const Costs& costs : parts) {
      unsigned k = 0;
      uint64_t bits = std::numeric_limits<uint64_t>::max();
      for (unsigned j = 0; j < kTried; ++j) {
        uint64_t c = costs[j];
        if (!plan.parameters.empty()) c += parameter_bits(lowest + j, plan.parameters.back());
        if (c < bits) bits = c, k = lowest + j;
      }
      plan.parameters.push_back(static_cast<uint8_t>(k));
      plan.bits += bits;
    }
    if (plan.bits < best.bits) best = std::move(plan);
    if (parts.size() <= 1 || size_log == kMaxSizeLog) return best;
    const size_t merged = (parts.size() + 1) / 2;
    for (size_t i = 0; i < merged; ++i) {
      Costs sum = parts[2 * i];
      if (2 * i + 1 < parts.size())
        for (unsigned j = 0; j < kTried; ++j) sum[j] += parts[2 * i + 1][j];
      parts[i] = sum;
    }
    parts.resize(merged);
  }
}

void write_residuals(std::span<const uint64_t> codes, const ResidualPlan& plan, Bytes& out) {
  const size_t size = kSmallest << plan.size_log;
  BitWriter bits(out);
  for (size_t part = 0; part < plan.parameters.size(); ++part) {
    const unsigned k = plan.parameters[part];
    if (part == 0) {
      bits.put(k, 6);
    } else {
      const uint64_t difference = difference_code(k, plan.parameters[part - 1]);
      put_unary(bits, std::min<uint64_t>(difference, kEscape));
      if (difference >= kEscape) bits.put(k, 6);
    }
    const size_t end = std::min(codes.size(), (part + 1) * size);
    for (size_t i = part * size; i < end; ++i) put_code(bits, codes[i], k);
  }
  bits.finish();
}

bool read_residuals(BytesView in, unsigned size_log, std::span<uint64_t> out) {
  if (size_log > kMaxSizeLog) return false;
  const size_t size = kSmallest << size_log;
  BitReader bits(in);
  unsigned k = 0;
  for (size_t at = 0; at < out.size(); at += size) {
    if (at == 0) {
      k = static_cast<unsigned>(bits.get(6));
    } else {
      const uint64_t difference = bits.get_unary(kEscape);
      k = static_cast<unsigned>(difference == kEscape ? bits.get(6) : k + unzigzag(difference));
    }
    if (k > kMaxParameter || bits.failed()) return false;
    for (uint64_t& v : out.subspan(at, std::min(size, out.size() - at))) {
      const uint64_t q = bits.get_unary(kEscape);
      v = unzigzag(q == kEscape ? bits.get(64) : (q << k) | bits.get(k));
    }
    if (bits.failed()) return false;
  }
  return bits.at_end();
}

}  // namespace casebox::codec::internal
