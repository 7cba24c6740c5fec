#include "recorder/clock/one_way_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace casebox::recorder {
namespace {

constexpr int64_t kOffset = 1'440'000'000'000;  // a device 24 minutes ahead

/// Sends once a second with an exponential delay of `delay_ms` on average above 2 ms.
void run(OneWayClock& clock, int seconds_from, int seconds_to, int64_t offset, double ppm,
         std::mt19937& random, double delay_ms = 3) {
  std::exponential_distribution<double> delay(1 / delay_ms);
  for (int s = seconds_from; s < seconds_to; ++s) {
    const int64_t t = int64_t{s} * 1'000'000'000;
    const auto source = t + offset + static_cast<int64_t>(static_cast<double>(t) * ppm * 1e-6);
    clock.observe(source, CaseTime{t + static_cast<int64_t>((2 + delay(random)) * 1e6)});
  }
}

TEST(OneWayClock, TheBoundHoldsForAWrongAndDriftingClock) {
  std::mt19937 random(1);
  int covered = 0;
  for (int trial = 0; trial < 200; ++trial) {
    OneWayClock clock;
    run(clock, 0, 120, kOffset, 40, random);
    const int64_t t = int64_t{120} * 1'000'000'000;
    const auto source = t + kOffset + static_cast<int64_t>(static_cast<double>(t) * 40e-6);
    covered += std::abs(clock.map(source).ns - t) <= int64_t{clock.u95_us()} * 1000;
  }
  EXPECT_GE(covered, 190);
}

TEST(OneWayClock, FewSightingsGiveAWiderBound) {
  std::mt19937 random(2);
  OneWayClock clock;
  run(clock, 0, 2, 0, 0, random);
  const uint32_t few = clock.u95_us();
  run(clock, 2, 20, 0, 0, random);
  EXPECT_GT(few, clock.u95_us());
}

TEST(OneWayClock, CoarseStampsWidenTheBoundByHalfTheirStep) {
  std::mt19937 random(3);
  OneWayClock fine, coarse(milliseconds(40));
  run(fine, 0, 20, 0, 0, random);
  run(coarse, 0, 20, 0, 0, random);
  EXPECT_EQ(coarse.u95_us(), fine.u95_us() + 20'000);
}

TEST(OneWayClock, AClockThatIsSetBeginsAnewAndOneThatKeepsJumpingIsBroken) {
  std::mt19937 random(4);
  OneWayClock clock;
  run(clock, 0, 10, 0, 0, random);
  run(clock, 10, 20, kOffset, 0, random);
  EXPECT_EQ(clock.resets(), 1u);
  EXPECT_FALSE(clock.broken());
  EXPECT_NEAR(static_cast<double>(clock.offset_ns()), static_cast<double>(-kOffset), 2e7);
  run(clock, 20, 30, 0, 0, random);
  run(clock, 30, 40, kOffset, 0, random);
  EXPECT_TRUE(clock.broken());
  EXPECT_EQ(clock.u95_us(), 0xFFFFFFFFu);
}

}  // namespace
}  // namespace casebox::recorder
