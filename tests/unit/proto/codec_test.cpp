// The sample codec: what goes in comes out bit for bit, and nothing that comes from outside can
// make it crash, allocate more than was asked for, or return another number of samples.

#include "proto/codec/codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace casebox::codec {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// A wave as a monitor sends it: slow rhythm, sharp spikes, noise of one code.
std::vector<int64_t> wave(size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 0.8);
  std::vector<int64_t> out(n);
  for (size_t i = 0; i < n; ++i) {
    const double t = static_cast<double>(i) / 250;
    const double beat = std::exp(-std::pow((t - std::floor(t) - 0.3) / 0.02, 2));
    out[i] = std::llround(2000 + 80 * std::sin(t * 6.28) + 900 * beat + noise(random));
  }
  return out;
}

// A resonance under fine quantisation: what linear prediction is for.
std::vector<int64_t> tone(size_t n) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 3);
  std::vector<int64_t> out(n);
  for (size_t i = 0; i < n; ++i)
    out[i] = std::llround(1e5 * std::sin(static_cast<double>(i) * 0.9) + noise(random));
  return out;
}

Ints as_decoded(std::vector<int64_t> values, std::vector<bool> missing) {
  for (size_t i = 0; i < missing.size(); ++i)
    if (missing[i]) values[i] = 0;
  if (std::find(missing.begin(), missing.end(), true) == missing.end()) missing.clear();
  return {std::move(values), std::move(missing)};
}

void expect_round_trip(const std::vector<int64_t>& values, const std::vector<bool>& missing = {}) {
  const Bytes coded = encode(values, missing);
  auto decoded = decode(coded, values.size());
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, as_decoded(values, missing));
}

// NaNs differ from themselves, so reals are compared as patterns.
std::vector<uint64_t> patterns(const std::vector<double>& values) {
  std::vector<uint64_t> out;
  for (double v : values) out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

RC_GTEST_PROP(Codec, ReturnsEveryIntegerBlockAsItWas, (const std::vector<int64_t>& values)) {
  auto decoded = decode(encode(values), values.size());
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->values == values);
  RC_ASSERT(decoded->missing.empty());
}

// Noise summed up `order` times is what the predictor of that order is best at.
RC_GTEST_PROP(Codec, ReturnsWavesOfEveryScaleAndSmoothness, ()) {
  const auto shift = *rc::gen::inRange(0, 63);
  const auto order = *rc::gen::inRange(0, 5);
  const auto steps = *rc::gen::container<std::vector<int8_t>>(rc::gen::arbitrary<int8_t>());
  std::vector<int64_t> values;
  for (int8_t step : steps)
    values.push_back(static_cast<int64_t>(static_cast<uint64_t>(int64_t{step}) << shift));
  for (int i = 0; i < order; ++i) {
    uint64_t sum = 0;
    for (int64_t& v : values) v = static_cast<int64_t>(sum += static_cast<uint64_t>(v));
  }
  auto decoded = decode(encode(values), values.size());
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->values == values);
}

RC_GTEST_PROP(Codec, KeepsMissingSamplesApartFromValues, (const std::vector<int32_t>& raw)) {
  const std::vector<int64_t> values(raw.begin(), raw.end());
  const auto missing =
      *rc::gen::container<std::vector<bool>>(raw.size(), rc::gen::arbitrary<bool>());
  auto decoded = decode(encode(values, missing), values.size());
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == as_decoded(values, missing));
}

RC_GTEST_PROP(Codec, ReturnsRealsBitForBit, (const std::vector<uint64_t>& raw)) {
  std::vector<double> values;
  for (uint64_t bits : raw) values.push_back(std::bit_cast<double>(bits));
  for (bool single : {false, true}) {
    auto decoded = decode_reals(encode_reals(values, single), values.size());
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(patterns(decoded->values) == raw);
  }
}

RC_GTEST_PROP(Codec, ReturnsFloatsBitForBitInHalfTheBytes, (const std::vector<float>& raw)) {
  const std::vector<double> values(raw.begin(), raw.end());
  const Bytes coded = encode_reals(values, true);
  auto decoded = decode_reals(coded, values.size());
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(patterns(decoded->values) == patterns(values));
  RC_ASSERT(coded.size() <= values.size() * 4 + 40);
}

RC_GTEST_PROP(Codec, SurvivesAnyBytes, (const Bytes& bytes)) {
  const auto expected = *rc::gen::inRange<size_t>(0, 300);
  if (auto ints = decode(bytes, expected)) RC_ASSERT(ints->values.size() == expected);
  if (auto reals = decode_reals(bytes, expected)) RC_ASSERT(reals->values.size() == expected);
}

TEST(Codec, ReturnsTheExtremesOfSixtyFourBits) {
  expect_round_trip({});
  expect_round_trip({kMin});
  expect_round_trip({kMax, kMin});
  expect_round_trip({kMin, kMax, kMin, kMax, kMin, kMax, 0, -1, 1, kMax, kMax, kMin});
  expect_round_trip({kMax, kMax, kMax, kMin, kMin, kMin}, {false, true, false, true, false, false});
  std::vector<int64_t> alternating;
  for (int i = 0; i < 1000; ++i) alternating.push_back(i % 2 ? kMin : kMax);
  expect_round_trip(alternating);
  std::vector<int64_t> calm(1000, 5);  // Rice with one residual far out of its range
  calm[500] = kMin;
  expect_round_trip(calm);
  std::vector<int64_t> loud = tone(1000);
  expect_round_trip(loud);
  for (int64_t& v : loud) v += kMax - 200'000;
  expect_round_trip(loud);
  loud[300] = kMin;
  expect_round_trip(loud);
}

TEST(Codec, ReturnsBlocksInWhichEverythingIsMissing) {
  expect_round_trip({1, 2, 3}, {true, true, true});
  std::vector<bool> all(1000, true);
  expect_round_trip(std::vector<int64_t>(1000, 9), all);
  auto reals =
      decode_reals(encode_reals(std::vector<double>(5, 1.5), false, std::vector<bool>(5, true)), 5);
  ASSERT_TRUE(reals) << reals.error().message;
  EXPECT_EQ(reals->values, std::vector<double>(5, 0.0));
  EXPECT_EQ(reals->missing, std::vector<bool>(5, true));
}

TEST(Codec, KeepsTheBitsOfNotANumberAndOfNegativeZero) {
  std::vector<double> values;
  for (uint64_t bits : {0x7FF0000000000001ull, 0xFFF8000000000000ull, 0x7FF0000020000000ull,
                        0x8000000000000000ull, 0x7FF0000000000000ull, 0x0000000000000001ull})
    values.push_back(std::bit_cast<double>(bits));
  for (bool single : {false, true}) {
    auto decoded = decode_reals(encode_reals(values, single), values.size());
    ASSERT_TRUE(decoded);
    EXPECT_EQ(patterns(decoded->values), patterns(values));
  }
  // Signalling NaNs of a float source, as the decoder of that source widened them.
  const std::vector<double> floats = {values[2], values[3], values[4], 1.5};
  auto decoded = decode_reals(encode_reals(floats, true), floats.size());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(patterns(decoded->values), patterns(floats));
}

TEST(Codec, TakesUnderAByteForAWaveAndAFewBytesForAFlatLine) {
  const auto values = wave(250);
  EXPECT_LT(encode(values).size(), 250u);
  EXPECT_LE(encode(std::vector<int64_t>(100'000, -12345)).size(), 8u);
  std::vector<int64_t> ramp(10'000);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<int64_t>(i) * 1'000'003;
  EXPECT_LE(encode(ramp).size(), 16u);
}

TEST(Codec, RefusesAnotherNumberOfSamplesThanTheFrameHas) {
  for (const std::vector<int64_t>& values : {std::vector<int64_t>(100, 3), wave(100)}) {
    const Bytes coded = encode(values);
    for (size_t wrong : {size_t{0}, size_t{99}, size_t{101}, kMaxSamples, kMaxSamples + 1}) {
      auto decoded = decode(coded, wrong);
      ASSERT_FALSE(decoded) << wrong;
      EXPECT_EQ(decoded.error().code, Code::kCorrupt);
    }
  }
}

TEST(Codec, DoesNotTakeIntegersForReals) {
  const auto values = wave(50);
  EXPECT_FALSE(decode_reals(encode(values), values.size()));
  const std::vector<double> reals(values.begin(), values.end());
  EXPECT_FALSE(decode(encode_reals(reals, false), reals.size()));
}

// One block of each method: found by what the encoder chose, so that a method that is never chosen
// fails.
std::vector<std::pair<Bytes, size_t>> one_of_each_method() {
  std::vector<std::vector<int64_t>> blocks = {std::vector<int64_t>(60, 7), wave(60)};
  std::mt19937_64 random(3);
  std::vector<int64_t> uniform, ramp, text;
  int64_t slope = 0;
  for (size_t i = 0; i < 60; ++i) {
    uniform.push_back(
        uniform.empty() ? 0 : uniform.back() + static_cast<int64_t>(random() % 256) - 128);
    slope += static_cast<int64_t>(random() % 256) - 128;
    ramp.push_back(ramp.empty() ? 0 : ramp.back() + slope);
    text.push_back(static_cast<int64_t>(i % 3 == 0   ? 0x123456789A
                                        : i % 3 == 1 ? -77
                                                     : 4'000'000'000));
  }
  blocks.push_back(uniform);
  blocks.push_back(ramp);
  blocks.push_back(text);
  blocks.push_back(tone(90));
  std::vector<std::pair<Bytes, size_t>> out;
  for (const auto& block : blocks) {
    std::vector<bool> missing(block.size(), false);
    missing[5] = missing[6] = missing[59] = true;
    out.emplace_back(encode(block), block.size());
    out.emplace_back(encode(block, missing), block.size());
  }
  return out;
}

TEST(Codec, ChoosesEachIntegerMethodForSomeBlock) {
  std::vector<bool> seen(7);
  for (const auto& [coded, n] : one_of_each_method())
    seen[static_cast<size_t>(coded[0] & 0x3F)] = true;
  for (size_t method = 1; method < seen.size(); ++method) EXPECT_TRUE(seen[method]) << method;
}

TEST(Codec, SurvivesEveryTruncationAndEveryBitFlip) {
  for (const auto& [coded, n] : one_of_each_method()) {
    ASSERT_TRUE(decode(coded, n));
    for (size_t size = 0; size < coded.size(); ++size)
      EXPECT_FALSE(decode(BytesView(coded).substr(0, size), n)) << size;
    EXPECT_FALSE(decode(coded + '\0', n));
    for (size_t bit = 0; bit < coded.size() * 8; ++bit) {
      Bytes changed = coded;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
      auto decoded = decode(changed, n);
      EXPECT_TRUE(!decoded || decoded->values.size() == n);
    }
  }
}

}  // namespace
}  // namespace casebox::codec
