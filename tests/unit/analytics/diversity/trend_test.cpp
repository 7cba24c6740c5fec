#include "analytics/diversity/trend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analytics/diversity/internal/draws.h"

namespace casebox::analytics::diversity {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kDay = 86'400'000'000'000;

/// A case a day of a practice with eight pathways, whose usual one has `first` of the cases in the
/// beginning and `last` in the end, the share moving steadily; the others are alike.
std::vector<DatedCase> cohort(size_t cases, double first, double last, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<DatedCase> out;
  for (size_t i = 0; i < cases; ++i) {
    const double usual =
        first + (last - first) * static_cast<double>(i) / static_cast<double>(cases - 1);
    const double u = internal::unit_draw(random);
    const auto variant = u < usual ? 0 : 1 + static_cast<uint32_t>((u - usual) / (1 - usual) * 7);
    out.push_back({"case " + std::to_string(i), static_cast<int64_t>(i) * kDay, variant});
  }
  return out;
}

TrendOptions quick(size_t window = 30) {
  TrendOptions options;
  options.window = window;
  options.permutations = 199;
  return options;
}

TEST(DiversityTrend, FindsPlantedNarrowingWithAnInterval) {
  const Trend trend = diversity_trend(cohort(240, .2, .95, 11));
  EXPECT_EQ(trend.direction, Direction::kNarrowing);
  EXPECT_EQ(trend.windows.size(), 12u);
  EXPECT_LT(*trend.high, 0);
  EXPECT_LT(*trend.ratio_high, 1);
  EXPECT_LT(*trend.p, .01);
  EXPECT_EQ(trend.windows[0].to_ns, 19 * kDay);
}

// The dealing that was observed counts among the dealings: p is never 0.
TEST(DiversityTrend, CountsTheObservedDealing) {
  TrendOptions options = quick();
  options.permutations = 19;
  EXPECT_DOUBLE_EQ(*diversity_trend(cohort(240, .1, .98, 11), options).p, 1 / 20.0);
}

TEST(DiversityTrend, FindsPlantedWideningWithAnInterval) {
  const Trend trend = diversity_trend(cohort(240, .95, .2, 11));
  EXPECT_EQ(trend.direction, Direction::kWidening);
  EXPECT_GT(*trend.low, 0);
  EXPECT_GT(*trend.ratio_low, 1);
}

TEST(DiversityTrend, FindsPlantedDriftInNearlyEveryCohort) {
  int narrowing = 0, widening = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    narrowing += diversity_trend(cohort(150, .2, .95, 900 + seed), quick()).direction ==
                 Direction::kNarrowing;
    widening += diversity_trend(cohort(150, .95, .2, 900 + seed), quick()).direction ==
                Direction::kWidening;
  }
  EXPECT_GE(narrowing, 38);
  EXPECT_GE(widening, 38);
}

// 400 cohorts without drift at a nominal 5 %: 20 false alarms expected, at most 31 with a
// probability of 99.4 %. The test alone is exact, so too few would show that it cannot alarm.
TEST(DiversityTrend, RaisesNoMoreFalseAlarmsThanItsNominalLevel) {
  int alarms = 0, small_p = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Trend trend = diversity_trend(cohort(150, .5, .5, 5000 + seed), quick());
    alarms += trend.direction != Direction::kNoChangeDetected;
    small_p += *trend.p <= .05;
  }
  RecordProperty("false_alarms", alarms);
  EXPECT_LE(alarms, 31);
  EXPECT_LE(small_p, 31);
  EXPECT_GE(small_p, 9);
}

TEST(DiversityTrend, HoldsTheTrueSlopeInItsInterval) {
  // What the slope is at this sample size: the mean over many cohorts.
  double truth = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed)
    truth += *diversity_trend(cohort(150, .3, .8, 20000 + seed), {30, .95, 1, 1}).slope / 2000;
  // 380 of 400 expected at 95 %; 366 or fewer with a probability of 0.1 %.
  int held = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Trend trend = diversity_trend(cohort(150, .3, .8, 40000 + seed), {30, .95, 1, 1});
    held += *trend.low <= truth && truth <= *trend.high;
  }
  RecordProperty("held", held);
  EXPECT_GE(held, 367);
}

TEST(DiversityTrend, CannotSayWithoutDates) {
  auto cases = cohort(150, .2, .95, 1);
  for (DatedCase& one : cases) one.wall_start_ns.reset();
  const Trend trend = diversity_trend(cases);
  EXPECT_EQ(trend.direction, Direction::kCannotSay);
  EXPECT_THAT(trend.reasons, ElementsAre("these files carry no dates"));
  EXPECT_FALSE(trend.p);
  EXPECT_FALSE(trend.slope);
}

TEST(DiversityTrend, CannotSayOfTooFewCases) {
  EXPECT_THAT(diversity_trend(cohort(59, .2, .9, 1)).reasons, ElementsAre(HasSubstr("2 windows")));
  EXPECT_EQ(diversity_trend(cohort(60, .2, .9, 1)).windows.size(), 3u);
  EXPECT_THAT(diversity_trend(cohort(60, .2, .9, 1), quick(9)).reasons,
              ElementsAre(HasSubstr("at least 10")));
  EXPECT_THAT(diversity_trend({}).reasons, ElementsAre(HasSubstr("no cases")));
}

TEST(DiversityTrend, CannotSayWhenEveryCaseIsItsOwnVariant) {
  std::vector<DatedCase> cases;
  for (uint32_t i = 0; i < 60; ++i) cases.push_back({std::to_string(i), i * kDay, i});
  const Trend trend = diversity_trend(cases);
  EXPECT_EQ(trend.direction, Direction::kCannotSay);
  EXPECT_THAT(trend.reasons, ElementsAre(HasSubstr("alike")));
  // Counted by likeness it can be seen that they draw closer.
  Similarity similarity{60, std::vector<double>(3600, 0)};
  for (size_t i = 0; i < 60; ++i)
    for (size_t j = 0; j < 60; ++j)
      similarity.values[i * 60 + j] = i == j ? 1 : static_cast<double>(std::min(i, j)) / 60;
  EXPECT_EQ(diversity_trend(cases, quick(20), &similarity).direction, Direction::kNarrowing);
}

TEST(DiversityTrend, LeavesOutUndatedAndOldestCasesAndSaysSo) {
  auto cases = cohort(70, .5, .5, 3);
  cases[69].wall_start_ns.reset();
  const Trend trend = diversity_trend(cases);
  EXPECT_EQ(trend.undated, 1u);
  EXPECT_EQ(trend.left_over, 9u);
  EXPECT_EQ(trend.windows.front().from_ns, 9 * kDay);
  EXPECT_THAT(trend.notices, Contains(HasSubstr("without a date")));
  EXPECT_THAT(trend.notices, Contains(HasSubstr("oldest")));
}

TEST(DiversityTrend, DoesNotDependOnTheOrderOfCases) {
  auto cases = cohort(100, .4, .7, 5);
  // Several at one moment, also where one window ends and the next begins.
  for (size_t i = 0; i < 100; ++i) cases[i].wall_start_ns = static_cast<int64_t>(i / 7) * kDay;
  const Trend a = diversity_trend(cases);
  std::reverse(cases.begin(), cases.end());
  const Trend b = diversity_trend(cases);
  EXPECT_EQ(*a.slope, *b.slope);
  EXPECT_EQ(*a.p, *b.p);
  EXPECT_EQ(*a.low, *b.low);
}

}  // namespace
}  // namespace casebox::analytics::diversity
