#include "analytics/spc/individuals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace casebox::analytics::spc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// NIST/SEMATECH e-Handbook of Statistical Methods 6.3.2.2.
const std::vector<double> kFlow = {49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1};

TEST(ControlChart, HasTheLimitsOfTheNistFlowRates) {
  const Xmr chart = xmr(kFlow);
  ASSERT_THAT(chart.individuals.reasons, IsEmpty());
  EXPECT_NEAR(*chart.individuals.centre, 50.81, 1e-9);
  EXPECT_NEAR(*chart.individuals.points[0].lower, 45.8159, 5e-5);
  EXPECT_NEAR(*chart.individuals.points[9].upper, 55.8041, 5e-5);
  EXPECT_NEAR(*chart.moving_range.centre, 1.8778, 5e-5);
  EXPECT_EQ(chart.moving_range.points.size(), 9u);
  EXPECT_NEAR(chart.moving_range.points[3].value, 3.5, 1e-9);
  EXPECT_EQ(chart.individuals.signal_count(), 0u);
}

TEST(ControlChart, FlagsAPointBeyondThreeSigma) {
  std::vector<double> values = kFlow;
  values.push_back(55.9);
  const Chart chart = xmr(values, {10, shewhart_rules(), false}).individuals;
  EXPECT_THAT(chart.points[10].signals, ElementsAre("nelson-1"));
  EXPECT_EQ(chart.signal_count(), 1u);
  EXPECT_TRUE(chart.points[9].baseline);
  EXPECT_FALSE(chart.points[10].baseline);
}

TEST(ControlChart, GivesNoLimitsToFewerThanTenPointsAndSaysWhy) {
  const Xmr chart = xmr({1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_THAT(chart.individuals.reasons, ElementsAre(HasSubstr("9 points")));
  EXPECT_THAT(chart.moving_range.reasons, ElementsAre(HasSubstr("9 points")));
  EXPECT_FALSE(chart.individuals.points[0].upper);
  EXPECT_EQ(chart.individuals.signal_count(), 0u);
  EXPECT_FALSE(chart.individuals.false_alarms.average_run_length);
  EXPECT_THAT(xmr(std::vector<double>(30, 5.0)).individuals.reasons,
              ElementsAre(HasSubstr("equal")));
}

TEST(ControlChart, KeepsItsPointsWhenItsLimitsAreWithheld) {
  Chart chart = xmr(kFlow, {9, shewhart_rules(), false}).individuals;
  chart.points[3].signals.push_back("nelson-1");
  withhold(chart, "no dates");
  EXPECT_THAT(chart.reasons, ElementsAre("no dates"));
  EXPECT_EQ(chart.points[9].value, 52.1);
  EXPECT_FALSE(chart.points[9].upper || chart.points[9].lower || chart.points[9].centre);
  EXPECT_FALSE(chart.centre || chart.sigma || chart.false_alarms.average_run_length);
  EXPECT_EQ(chart.signal_count(), 0u);
}

TEST(ControlChart, CallsLimitsFromTenToNineteenPointsProvisional) {
  EXPECT_THAT(xmr(kFlow).individuals.notices, ElementsAre(HasSubstr("provisional")));
  std::vector<double> twenty = kFlow;
  twenty.insert(twenty.end(), kFlow.begin(), kFlow.end());
  EXPECT_THAT(xmr(twenty).individuals.notices, IsEmpty());
}

TEST(ControlChart, StatesItsFalseAlarmRate) {
  const Chart chart = xmr(kFlow).individuals;
  EXPECT_NEAR(*chart.false_alarms.average_run_length, 91.75, .005);
  EXPECT_NEAR(*chart.false_alarms.within_these_points, 1 - std::pow(1 - 1 / 91.75, 10), 1e-4);
  EXPECT_THAT(chart.false_alarms.basis, HasSubstr("western-electric-4"));
}

TEST(ControlChart, ChartsLogarithmsAndGivesTheUnitBack) {
  std::vector<double> values;
  for (const double value : kFlow) values.push_back(std::exp(value / 10));
  const Chart chart = xmr(values, {0, western_electric_rules(), true}).individuals;
  EXPECT_NEAR(*chart.centre, std::exp(5.081), 1e-9);
  EXPECT_NEAR(*chart.points[0].upper, std::exp(5.58041), 1e-3);
  values[3] = 0;
  EXPECT_THAT(xmr(values, {0, {}, true}).individuals.reasons, Contains(HasSubstr("logarithm")));
}

RC_GTEST_PROP(ControlChart, MovesWithItsUnitAndItsOrigin, ()) {
  const auto raw = *rc::gen::container<std::vector<int>>(20, rc::gen::inRange(-1000, 1000));
  std::vector<double> values, moved;
  for (const int v : raw) {
    values.push_back(v);
    moved.push_back(2.0 * v + 512);
  }
  const Chart a = xmr(values).individuals, b = xmr(moved).individuals;
  RC_ASSERT(a.reasons.size() == b.reasons.size());
  for (size_t i = 0; i < values.size(); ++i) RC_ASSERT(a.points[i].signals == b.points[i].signals);
}

// NIST/SEMATECH e-Handbook 6.3.2.4: twenty values, centre 50, sigma 2.0539, lambda .3.
const std::vector<double> kEwma = {52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5,
                                   49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1};

TEST(EwmaChart, FollowsTheNistExample) {
  const Chart chart = ewma(kEwma, {0, .3, 3, 50, 2.0539, false});
  const std::vector<double> expected = {50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75,
                                        49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05,
                                        49.38, 49.92, 50.73, 51.23, 51.94, 51.99};
  ASSERT_EQ(chart.points.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(chart.points[i].value, expected[i], .0051) << i;
  EXPECT_NEAR(*chart.points.back().upper, 52.5884, 2e-3);
  EXPECT_NEAR(*chart.points.back().lower, 47.4115, 2e-3);
  // The first limit is that of one value weighted by lambda.
  EXPECT_NEAR(*chart.points[0].upper, 50 + 3 * 2.0539 * .3, 1e-9);
  EXPECT_EQ(chart.baseline, 0u);
}

TEST(EwmaChart, SeesASmallShiftThatNoSinglePointShows) {
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) values.push_back(i % 2 ? 1 : -1);
  for (int i = 0; i < 20; ++i) values.push_back(i % 2 ? 2.5 : .5);
  EXPECT_EQ(xmr(values, {30, shewhart_rules(), false}).individuals.signal_count(), 0u);
  EwmaOptions options;
  options.baseline = 30;
  options.width = 1.5;
  EXPECT_GT(ewma(values, options).signal_count(), 0u);
}

// Lucas & Saccucci 1990, table 3: pairs of lambda and L with a run length of 500.
TEST(EwmaChart, HasTheRunLengthsOfLucasAndSaccucci) {
  EXPECT_NEAR(ewma_run_length(.1, 2.814, false), 500, 2);
  EXPECT_NEAR(ewma_run_length(.2, 2.962, false), 500, 2);
  EXPECT_NEAR(ewma_run_length(.4, 3.054, false), 500, 2);
}

TEST(EwmaChart, SignalsFalselySoonerWithLimitsThatAreExactForTheFirstPoints) {
  const double exact = ewma_run_length(.1, 2.814, true);
  EXPECT_LT(exact, ewma_run_length(.1, 2.814, false));
  EXPECT_GT(exact, 450);
  // With lambda 1 each point stands alone: Shewhart's chart.
  EXPECT_NEAR(ewma_run_length(1, 3, true), 370.40, .005);
}

}  // namespace
}  // namespace casebox::analytics::spc
