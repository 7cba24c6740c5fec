#include "tools/web/overview.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

namespace casebox::tools::web {
namespace {

TEST(Overview, AnswersAsADecimatorThatSawEverySample) {
  Overview overview(0, 100, 0.5);
  Decimator decimator(0, 100, 50);
  for (int i = 0; i < 100'000; ++i) {
    const double value = i == 43'210 ? 99.0 : std::sin(i * 0.01);
    overview.add(i * 0.001, value);
    decimator.add(i * 0.001, value);
  }
  const PlotSeries whole = overview.series(0, 100, 50), expected = decimator.finish();
  EXPECT_EQ(whole.t_s, expected.t_s);
  EXPECT_EQ(whole.min, expected.min);
  EXPECT_EQ(whole.max, expected.max);
  EXPECT_EQ(whole.samples, 100'000u);
  EXPECT_FALSE(whole.raw);
}

TEST(Overview, KeepsAHoleAndAMissingSampleApartFromZero) {
  Overview overview(0, 100, 0.5);
  for (int i = 0; i < 1000; ++i)
    if (i < 300 || i >= 500) overview.add(i * 0.1, i >= 900 ? NAN : 1);
  const PlotSeries series = overview.series(0, 100, 10);
  EXPECT_EQ(series.max[2], 1);
  EXPECT_TRUE(std::isnan(series.max[3]));
  EXPECT_TRUE(std::isnan(series.max[4]));
  EXPECT_EQ(series.max[5], 1);
  EXPECT_TRUE(std::isnan(series.max[9]));
  EXPECT_EQ(series.samples, 800u);
}

TEST(Overview, SaysWhenAWindowIsTooNarrowForIt) {
  const Overview overview(-30, 7200, 0.5);
  EXPECT_TRUE(overview.fits(0, 7200, 800));
  EXPECT_TRUE(overview.fits(0, 400, 800));
  EXPECT_FALSE(overview.fits(0, 399, 800));
}

TEST(Overview, StaysBoundedOverAnyLength) {
  Overview overview(0, 1e8, 0.5);
  overview.add(1e8 - 1, 7);
  overview.add(2e8, 9);
  overview.add(-1, 9);
  const PlotSeries series = overview.series(0, 1e8, 100);
  EXPECT_EQ(series.t_s.size(), 100u);
  EXPECT_EQ(series.max[99], 7);
}

}  // namespace
}  // namespace casebox::tools::web
