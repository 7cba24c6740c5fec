// Reference values: NumPy 2 and SciPy 1.17 (median_abs_deviation, wilcoxon(method="exact"), binom),
// and the signed-rank distribution counted over all 2^n sign patterns.

#include "analytics/timing/robust.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace casebox::analytics::timing {
namespace {

const std::vector<double> kDurations = {61.2,  74.9,  80.3,  88.0,  95.5,  97.1,
                                        104.4, 118.6, 133.0, 151.7, 204.2, 310.9};

TEST(Robust, MedianMadAndMeanAreThoseOfScipy) {
  EXPECT_DOUBLE_EQ(median(kDurations), 100.75);
  EXPECT_NEAR(mad(kDurations), 23.15, 1e-12);
  EXPECT_NEAR(mean(kDurations), 126.65, 1e-12);
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({}), 0);
}

TEST(Robust, HodgesLehmannInvertsTheSignedRankTest) {
  // wilcoxon(x - 85.999999).pvalue = .0425, wilcoxon(x - 86.000001).pvalue = .0522; likewise above.
  const HodgesLehmann hl = hodges_lehmann(kDurations);
  EXPECT_NEAR(hl.estimate, 111.0, 1e-9);
  ASSERT_TRUE(hl.interval);
  EXPECT_NEAR(hl.interval->low, 86.0, 1e-9);
  EXPECT_NEAR(hl.interval->high, 177.95, 1e-9);
}

TEST(Robust, HodgesLehmannOfLogarithms) {
  std::vector<double> logs;
  for (double d : kDurations) logs.push_back(std::log(d));
  const HodgesLehmann hl = hodges_lehmann(logs);
  EXPECT_NEAR(std::exp(hl.estimate), 107.74808445437483, 1e-9);
  ASSERT_TRUE(hl.interval);
  EXPECT_NEAR(std::exp(hl.interval->low), 85.19577454310748, 1e-9);
  EXPECT_NEAR(std::exp(hl.interval->high), 155.62172084898688, 1e-9);
}

TEST(Robust, SignedRankRanksAreExact) {
  EXPECT_EQ(signed_rank_rank(5, .025), 0u);
  EXPECT_EQ(signed_rank_rank(6, .025), 1u);
  EXPECT_EQ(signed_rank_rank(10, .025), 9u);
  EXPECT_EQ(signed_rank_rank(12, .025), 14u);
  EXPECT_EQ(signed_rank_rank(20, .025), 53u);
  EXPECT_EQ(signed_rank_rank(50, .025), 435u);
}

TEST(Robust, TheApproximationForLargeSamplesIsCloseToExact) {
  EXPECT_NEAR(static_cast<double>(signed_rank_rank(300, .025)), 19629, 10);
  EXPECT_EQ(signed_rank_rank(300, .025, 300), 19629u);
}

TEST(Robust, TheMediansIntervalCountsFromBothEnds) {
  // binom.cdf(2, 12, .5) = .0193, binom.cdf(3, 12, .5) = .0730: the 3rd value from each end.
  const auto interval = median_interval(kDurations);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->low, 80.3);
  EXPECT_DOUBLE_EQ(interval->high, 151.7);
}

TEST(Robust, FiveValuesHaveNoInterval) {
  EXPECT_FALSE(hodges_lehmann({1, 2, 3, 4, 5}).interval);
  EXPECT_FALSE(median_interval({1, 2, 3, 4, 5}));
  EXPECT_TRUE(hodges_lehmann({1, 2, 3, 4, 5, 6}).interval);
}

TEST(Robust, ALargeSampleNeedsNoMemoryForItsWalshAverages) {
  // 0, 1, ..., 59999: symmetric, so the estimate is the middle; the interval from the
  // approximation.
  std::vector<double> values;
  for (int i = 0; i < 60000; ++i) values.push_back((i * 7919) % 60000);
  const HodgesLehmann hl = hodges_lehmann(values);
  EXPECT_NEAR(hl.estimate, 29999.5, 1e-9);
  ASSERT_TRUE(hl.interval);
  EXPECT_NEAR(hl.interval->low + hl.interval->high, 59999, 1);
  EXPECT_NEAR(hl.interval->high - hl.interval->low, 277, 3);  // 2 * 1.96 * n / sqrt(12 n)
}

TEST(Robust, BothWaysToTheWalshAveragesAgree) {
  std::vector<double> few, many;
  for (int i = 0; i < 2001; ++i) (i < 2000 ? few : many).push_back(std::fmod(i * 37.7, 101.3));
  many = few;
  many.push_back(few.back());
  EXPECT_NEAR(hodges_lehmann(few).estimate, hodges_lehmann(many).estimate, .05);
  EXPECT_NEAR(hodges_lehmann(few).interval->low, hodges_lehmann(many).interval->low, .05);
}

// Over 6,000 samples of 12 each: P(W <= 13) = 87 / 4096 and P(Bin(12, 1/2) <= 2) = 79 / 4096 on
// either side is what the two tests leave out. A hundredth is four standard errors.
TEST(Robust, IntervalsHoldAsOftenAsTheySay) {
  std::mt19937_64 engine(3);
  std::normal_distribution<double> normal(40, 9);
  std::exponential_distribution<double> skewed(1);
  constexpr int kSamples = 6000;
  int centre = 0, middle = 0;
  for (int i = 0; i < kSamples; ++i) {
    std::vector<double> a(12), b(12);
    for (double& x : a) x = normal(engine);
    for (double& x : b) x = skewed(engine);
    const auto hl = hodges_lehmann(a).interval;
    const auto order = median_interval(b);
    ASSERT_TRUE(hl && order);
    centre += hl->low <= 40 && 40 <= hl->high;
    middle += order->low <= std::log(2) && std::log(2) <= order->high;
  }
  EXPECT_NEAR(centre, (1 - 2 * 87. / 4096) * kSamples, .01 * kSamples);
  EXPECT_NEAR(middle, (1 - 2 * 79. / 4096) * kSamples, .01 * kSamples);
}

}  // namespace
}  // namespace casebox::analytics::timing
