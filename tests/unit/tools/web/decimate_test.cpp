#include <gtest/gtest.h>

#include <cmath>

#include "tools/documents/decimate.h"

namespace casebox::tools::web {
namespace {

TEST(Decimator, KeepsEverySampleWhileTheyFit) {
  Decimator decimator(0, 10, 10);
  for (int i = 0; i < 10; ++i) decimator.add(i, i * 2.0);
  const PlotSeries series = decimator.finish();
  ASSERT_TRUE(series.raw);
  ASSERT_EQ(series.t_s.size(), 10u);
  EXPECT_EQ(series.min[3], 6);
}

TEST(Decimator, NeverLosesASpike) {
  Decimator decimator(0, 100, 50);
  for (int i = 0; i < 100'000; ++i) decimator.add(i * 0.001, i == 43'210 ? 99.0 : 0.0);
  const PlotSeries series = decimator.finish();
  ASSERT_FALSE(series.raw);
  ASSERT_EQ(series.max.size(), 50u);
  EXPECT_EQ(series.max[21], 99);
  EXPECT_EQ(series.max[20], 0);
  EXPECT_EQ(series.min[21], 0);
  EXPECT_EQ(series.samples, 100'000u);
}

TEST(Decimator, LeavesAHoleWhereNothingWasRecorded) {
  Decimator decimator(0, 100, 10);
  for (int i = 0; i < 1000; ++i)
    if (i < 300 || i >= 500) decimator.add(i * 0.1, 1);
  const PlotSeries series = decimator.finish();
  EXPECT_TRUE(std::isnan(series.max[3]));
  EXPECT_TRUE(std::isnan(series.max[4]));
  EXPECT_EQ(series.max[5], 1);
}

TEST(Decimator, ShowsAMissingSampleAsAHoleNotAsZero) {
  Decimator decimator(0, 10, 10);
  decimator.add(1, 5);
  decimator.add(2, NAN);
  const PlotSeries series = decimator.finish();
  EXPECT_TRUE(std::isnan(series.min[1]));
}

TEST(Decimator, IgnoresWhatIsOutsideTheWindow) {
  Decimator decimator(5, 6, 4);
  decimator.add(4.999, 1);
  decimator.add(6, 1);
  EXPECT_EQ(decimator.finish().samples, 0u);
}

}  // namespace
}  // namespace casebox::tools::web
