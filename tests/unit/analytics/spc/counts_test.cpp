#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "analytics/spc/attributes.h"
#include "analytics/spc/rare_events.h"

namespace casebox::analytics::spc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// NIST/SEMATECH e-Handbook 6.3.3.2: 30 wafers of 50 chips, defective ones counted.
const std::vector<unsigned> kDefective = {12, 15, 8, 10, 4,  7,  16, 9,  14, 10, 5,  6, 17, 12, 22,
                                          8,  10, 5, 13, 11, 20, 18, 24, 15, 9,  12, 7, 13, 9,  6};

TEST(ShareChart, HasTheLimitsOfTheNistWafers) {
  std::vector<Share> points;
  for (const unsigned count : kDefective) points.push_back({count, 50});
  const Chart chart = p_chart(points);
  EXPECT_NEAR(*chart.centre, .2313, 5e-5);
  EXPECT_NEAR(*chart.points[0].upper, .4102, 5e-5);
  EXPECT_NEAR(*chart.points[0].lower, .0524, 5e-5);
  EXPECT_EQ(chart.signal_count(), 2u);  // wafers 15 and 23
  EXPECT_THAT(chart.points[14].signals, ElementsAre("limit"));
  EXPECT_THAT(chart.points[22].signals, ElementsAre("limit"));
}

// NIST/SEMATECH e-Handbook 6.3.3.1: defects on 25 wafers.
const std::vector<unsigned> kDefects = {16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14,
                                        16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13};

TEST(CountChart, HasTheLimitsOfTheNistWafers) {
  const Chart chart = c_chart(kDefects);
  EXPECT_NEAR(*chart.centre, 16, 1e-12);
  EXPECT_NEAR(*chart.points[0].upper, 28, 1e-12);
  EXPECT_NEAR(*chart.points[0].lower, 4, 1e-12);
  EXPECT_EQ(chart.signal_count(), 1u);  // wafer 24; wafer 3 lies on the limit
  EXPECT_THAT(chart.points[23].signals, ElementsAre("limit"));
  // Poisson of mean 16: P(X <= 3) + P(X >= 29).
  double p = 0, term = std::exp(-16);
  for (int k = 0; k < 200; ++k, term *= 16.0 / k)
    if (k <= 3 || k >= 29) p += term;
  EXPECT_NEAR(*chart.false_alarms.per_point, p, 1e-12);
  EXPECT_NEAR(*chart.false_alarms.average_run_length, 1 / p, 1e-6);
}

TEST(RateChart, WidensItsLimitsWhereThereIsLessExposure) {
  std::vector<Rate> points(20, Rate{6, 2});
  points[5] = {12, 4};
  points[6] = {3, 1};
  const Chart chart = u_chart(points);
  EXPECT_NEAR(*chart.centre, 3, 1e-12);
  EXPECT_NEAR(*chart.points[5].upper, 3 + 3 * std::sqrt(3.0 / 4), 1e-12);
  EXPECT_NEAR(*chart.points[6].upper, 3 + 3 * std::sqrt(3.0), 1e-12);
  EXPECT_EQ(*chart.points[6].lower, 0);
}

TEST(ShareChart, SaysWhyItHasNoLimits) {
  EXPECT_THAT(p_chart(std::vector<Share>(9, {1, 10})).reasons, ElementsAre(HasSubstr("9 points")));
  EXPECT_THAT(p_chart(std::vector<Share>(12, {0, 10})).reasons, ElementsAre(HasSubstr("no case")));
  EXPECT_THAT(p_chart(std::vector<Share>(12, {9, 9})).reasons,
              ElementsAre(HasSubstr("every case")));
  EXPECT_THAT(u_chart(std::vector<Rate>(12, {0, 1})).reasons, ElementsAre(HasSubstr("no event")));
  EXPECT_THAT(p_chart(std::vector<Share>(25, {1, 10})).notices,
              ElementsAre(HasSubstr("between events")));
}

TEST(GapChart, LeavesTheProbabilityItStatesBeyondItsLimit) {
  std::vector<unsigned> gaps(30, 9);  // one case in ten
  gaps[29] = 70;
  gaps[0] = 0;
  const Chart chart = g_chart(gaps, {29});
  const double mean = 28 * 9 / 29.0, q = mean / (1 + mean);
  const double upper = *chart.points[0].upper;
  EXPECT_NEAR(*chart.centre, mean, 1e-12);
  EXPECT_LE(std::pow(q, upper + 1), .00135);
  EXPECT_GT(std::pow(q, upper), .00135);
  EXPECT_NEAR(*chart.false_alarms.per_point, std::pow(q, upper + 1), 1e-12);
  EXPECT_THAT(chart.points[29].signals, ElementsAre("limit"));
  EXPECT_FALSE(chart.points[0].lower);
  EXPECT_THAT(chart.notices, ElementsAre(HasSubstr("no lower limit")));
}

TEST(GapChart, HasALowerLimitWhereEventsAreVeryRare) {
  const Chart chart = g_chart(std::vector<unsigned>(20, 2000));
  ASSERT_TRUE(chart.points[0].lower);
  const double q = 2000 / 2001.0, low = *chart.points[0].lower;
  EXPECT_LE(1 - std::pow(q, low), .00135);
  EXPECT_GT(1 - std::pow(q, low + 1), .00135);
}

TEST(GapChart, CountsCasesBetweenEvents) {
  EXPECT_THAT(gaps_between({false, true, false, false, true, true, false}), ElementsAre(2, 0));
  EXPECT_THAT(gaps_between({false, true}), IsEmpty());
}

TEST(TimeChart, ChartsThePowerThatNelsonGives) {
  std::vector<double> gaps;
  for (int i = 1; i <= 20; ++i) gaps.push_back(i % 4 + 1);
  const Chart chart = t_chart(gaps);
  ASSERT_THAT(chart.reasons, IsEmpty());
  double mean = 0, range = 0;
  for (size_t i = 0; i < gaps.size(); ++i) {
    mean += std::pow(gaps[i], 1 / 3.6) / 20;
    if (i > 0) range += std::abs(std::pow(gaps[i], 1 / 3.6) - std::pow(gaps[i - 1], 1 / 3.6)) / 19;
  }
  EXPECT_NEAR(*chart.centre, std::pow(mean, 3.6), 1e-9);
  EXPECT_NEAR(*chart.points[0].upper, std::pow(mean + 3 * range / 1.128, 3.6), 1e-9);
  EXPECT_THAT(t_chart({1, 1, 2, 0, 1, 1, 1, 1, 1, 1, 2}).reasons,
              Contains(HasSubstr("one moment")));
}

TEST(TimeChart, StatesTheFalseAlarmRateOfAnExponential) {
  std::vector<double> gaps;
  for (int i = 1; i <= 20; ++i) gaps.push_back(i % 4 + 1);
  // The third power nearly normal: about as rare as beyond 3 sigma of a normal, if not the same.
  EXPECT_NEAR(*t_chart(gaps).false_alarms.per_point, .0013, .0012);
}

}  // namespace
}  // namespace casebox::analytics::spc
