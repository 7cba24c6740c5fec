#include "analytics/spc/cusum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "analytics/spc/internal/draws.h"
#include "analytics/spc/internal/sums.h"

namespace casebox::analytics::spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RiskAdjustedCusum, WeighsAnOutcomeByItsLikelihoodRatio) {
  const Weights w = weights(.1, 2);
  EXPECT_NEAR(w.event, std::log(2 / 1.1), 1e-12);
  EXPECT_NEAR(w.none, std::log(1 / 1.1), 1e-12);
}

// The value the R package cusum has for n 10, p .1, odds ratio 2, alpha .05; the sum passes it with
// probability .0415, and the next lower one with .0511.
TEST(RiskAdjustedCusum, HasTheExactLimitOfASmallCohort) {
  const auto limit = exact_cusum_limit(std::vector<double>(10, .1), 2, .05);
  ASSERT_TRUE(limit) << limit.error().message;
  EXPECT_NEAR(limit->limit, 1.41227, 5e-6);
  EXPECT_NEAR(limit->false_alarm, .04149301, 5e-9);
}

TEST(RiskAdjustedCusum, CountsEverySequenceOfOutcomesOnce) {
  const std::vector<double> risks = {.05, .2, .1, .4, .03, .15, .1, .22};
  const auto limit = exact_cusum_limit(risks, 2, .1);
  ASSERT_TRUE(limit) << limit.error().message;
  double passed = 0, reached = 0;
  for (unsigned bits = 0; bits < 256; ++bits) {
    double p = 1, sum = 0, highest = 0;
    for (unsigned i = 0; i < 8; ++i) {
      const bool event = bits >> i & 1;
      const Weights w = weights(risks[i], 2);
      p *= event ? risks[i] : 1 - risks[i];
      sum = std::max(0.0, sum + (event ? w.event : w.none));
      highest = std::max(highest, sum);
    }
    if (highest > limit->limit + 1e-9) passed += p;
    if (highest > limit->limit - 1e-9) reached += p;
  }
  EXPECT_NEAR(limit->false_alarm, passed, 1e-12);
  EXPECT_LE(passed, .1);
  EXPECT_GT(reached, .1);  // no smaller attainable sum would do
}

TEST(RiskAdjustedCusum, RefusesAnExactLimitForManyCases) {
  const auto limit = exact_cusum_limit(std::vector<double>(201, .1), 2, .05);
  ASSERT_FALSE(limit);
  EXPECT_EQ(limit.error().code, Code::kUnsupported);
  // A longer cohort needs a higher limit for the same alpha.
  EXPECT_GT(exact_cusum_limit(std::vector<double>(60, .1), 2, .05)->limit, 2);
}

// Odds ratio and risk for which the weights are whole steps of the grid, so that the chain has no
// rounding: R = 2, W_event = 6 steps, W_none = -1; checked by solving the chain written out here.
TEST(RiskAdjustedCusum, SolvesAChainWithoutRoundingExactly) {
  // log(2/(1+p)) = 6 log(1+p)  =>  (1+p)^7 = 2
  const double p = std::pow(2.0, 1 / 7.0) - 1, step = std::log(1 + p);
  const int states = 30;
  std::vector<double> length(states, 0);
  for (int sweep = 0; sweep < 60000; ++sweep)
    for (int i = states - 1; i >= 0; --i)
      length[static_cast<size_t>(i)] =
          1 + (1 - p) * length[static_cast<size_t>(std::max(i - 1, 0))] +
          (i + 6 < states ? p * length[static_cast<size_t>(i + 6)] : 0);
  const auto run = cusum_run_length({{1, p}}, 2, states * step, states);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_NEAR(*run / length[0], 1, 1e-9);
}

// A dense solution of the same chain in NumPy, and one with five times as many states.
TEST(RiskAdjustedCusum, HasTheRunLengthOfADenseSolution) {
  EXPECT_NEAR(*cusum_run_length({{1, .1}}, 2, 4.655), 4991.337105, 5e-6);
  EXPECT_NEAR(*cusum_run_length({{1, .05}}, 2, 4.655), 9047.4946, 5e-4);
  EXPECT_NEAR(*cusum_run_length({{1, .1}}, 2, 4.655, 3000) / 4991.337105, 1, .01);
}

/// Cardiac operations of the first two years of the series of Steiner et al. (Biostatistics 1
/// (2000) 441-452) by Parsonnet score, with the deaths within 30 days, as Knoth, Wittenberg and Gan
/// tabulate them (Statistics in Medicine 38 (2019) 2206-2218, supplement).
struct ByScore {
  double score, operations, deaths;
};
constexpr ByScore kCardiac[] = {
    {0, 312, 1}, {1, 53, 0},  {2, 131, 0}, {3, 166, 3}, {4, 88, 4},  {5, 128, 3}, {6, 74, 2},
    {7, 106, 2}, {8, 54, 5},  {9, 65, 4},  {10, 68, 5}, {11, 51, 2}, {12, 57, 7}, {13, 23, 5},
    {14, 32, 3}, {15, 27, 3}, {16, 21, 2}, {17, 24, 1}, {18, 25, 4}, {19, 51, 8}, {20, 27, 0},
    {21, 15, 2}, {22, 11, 0}, {23, 9, 2},  {24, 15, 5}, {25, 10, 0}, {26, 15, 3}, {27, 12, 5},
    {28, 8, 1},  {29, 11, 0}, {30, 4, 1},  {31, 5, 0},  {32, 10, 4}, {33, 3, 0},  {34, 3, 0},
    {35, 7, 2},  {36, 2, 0},  {37, 1, 1},  {38, 1, 0},  {39, 2, 0},  {40, 3, 1},  {41, 4, 1},
    {42, 3, 1},  {43, 1, 0},  {44, 1, 1},  {46, 2, 1},  {47, 3, 0},  {48, 1, 1},  {49, 1, 1},
    {50, 2, 1},  {51, 3, 1},  {52, 2, 1},  {53, 2, 2},  {54, 1, 1},  {57, 1, 0},  {58, 3, 2},
    {60, 2, 1},  {62, 2, 1},  {67, 1, 1},  {69, 1, 0}};

/// Risks by a logistic model of the score, fitted by Newton's method.
RiskMix cardiac_mix() {
  double a = 0, b = 0, all = 0;
  const auto risk = [&](double score) { return 1 / (1 + std::exp(-a - b * score)); };
  for (int round = 0; round < 30; ++round) {
    double ga = 0, gb = 0, aa = 0, ab = 0, bb = 0;
    for (const auto& [score, operations, deaths] : kCardiac) {
      const double p = risk(score), w = operations * p * (1 - p);
      ga += deaths - operations * p;
      gb += score * (deaths - operations * p);
      aa += w;
      ab += score * w;
      bb += score * score * w;
    }
    a += (bb * ga - ab * gb) / (aa * bb - ab * ab);
    b += (aa * gb - ab * ga) / (aa * bb - ab * ab);
  }
  for (const ByScore& one : kCardiac) all += one.operations;
  RiskMix mix;
  for (const ByScore& one : kCardiac) mix.push_back({one.operations / all, risk(one.score)});
  return mix;
}

// 600 states a unit, as the R package vlad counts them.
TEST(RiskAdjustedCusum, HasTheRunLengthOnRecordForCardiacSurgery) {
  EXPECT_NEAR(*cusum_run_length(cardiac_mix(), 2, 4.655, 2793), 9209.506733, 5e-6);
  // As many in all, as charts use them.
  EXPECT_NEAR(*cusum_run_length(cardiac_mix(), 2, 4.655, 600) / 9209.506733, 1, .005);
}

// 4474.738 and 5658.854 are what the R package vlad 0.2.2 has on record for risks of a logistic
// model of a beta(1, 3) score, from another chain (600 states of the score's integral, not rounded
// weights). Theirs and ours are both approximations: with five times as many states ours is 4482.6
// and 5722.2.
TEST(RiskAdjustedCusum, AgreesWithPublishedRunLengthsOfABetaPatientMix) {
  RiskMix mix;
  for (int i = 0; i < 200; ++i) {
    const double score = 1 - std::cbrt(1 - (i + .5) / 200);
    mix.push_back({1 / 200., 1 / (1 + std::exp(3.6798 - .0768 * 71 * score))});
  }
  EXPECT_NEAR(*cusum_run_length(mix, 2, 4.5) / 4474.738, 1, .004);
  EXPECT_NEAR(*cusum_run_length(mix, .5, 4.5) / 5658.854, 1, .012);
}

TEST(RiskAdjustedCusum, AgreesWithSimulatedRunsOfAPatientMix) {
  const RiskMix mix = {{.5, .02}, {.3, .08}, {.2, .25}};
  const auto run = cusum_run_length(mix, 2, 2);
  ASSERT_TRUE(run) << run.error().message;
  std::mt19937_64 random(7);
  const int runs = 4000;
  double total = 0;
  for (int i = 0; i < runs; ++i)
    for (double sum = 0; sum < 2; ++total) {
      const double pick = internal::unit_draw(random);
      const double risk = pick < .5 ? .02 : pick < .8 ? .08 : .25;
      const Weights w = weights(risk, 2);
      sum = std::max(0.0, sum + (internal::unit_draw(random) < risk ? w.event : w.none));
    }
  // Run lengths are nearly geometric: standard error of the mean = mean / sqrt(runs).
  EXPECT_NEAR(total / runs / *run, 1, 3.5 / std::sqrt(runs));
}

TEST(RiskAdjustedCusum, SignalsSoonerWhenOddsHaveDoubled) {
  const RiskMix mix = {{1, .1}};
  EXPECT_LT(*cusum_run_length(mix, 2, 4.655, kCusumStates, 2),
            *cusum_run_length(mix, 2, 4.655, kCusumStates) / 20);
}

TEST(RiskAdjustedCusum, FindsTheLimitOfARunLength) {
  const RiskMix mix = {{1, .1}};
  const auto limit = cusum_limit(mix, 2, 500);
  ASSERT_TRUE(limit) << limit.error().message;
  EXPECT_NEAR(*cusum_run_length(mix, 2, *limit), 500, .05);
}

TEST(RiskAdjustedCusum, SignalsAtItsLimitAndStartsAgain) {
  CusumOptions options;
  options.limit = 1.1;
  const auto chart = ra_cusum({true, true, true, false}, std::vector<double>(4, .1), options);
  ASSERT_TRUE(chart) << chart.error().message;
  EXPECT_THAT(chart->points[0].signals, IsEmpty());
  EXPECT_THAT(chart->points[1].signals, ElementsAre("limit"));
  EXPECT_NEAR(chart->points[2].value, std::log(2 / 1.1), 1e-12);
  EXPECT_TRUE(chart->false_alarms.average_run_length);
  // Within four cases: the chain agrees with counting (two events in a row, or three of them).
  EXPECT_NEAR(
      *chart->false_alarms.within_these_points,
      internal::passing(std::vector<double>(4, .1), std::vector<Weights>(4, weights(.1, 2)), 1.1),
      1e-3);
}

TEST(RiskAdjustedCusum, PassesItsExactLimitOnlyAbove) {
  // Three events and two without: exactly the attainable limit of the golden number.
  const auto at = ra_cusum({true, true, true, false, false, false, false, false, false, false},
                           std::vector<double>(10, .1), {});
  ASSERT_TRUE(at) << at.error().message;
  EXPECT_NEAR(*at->points[0].upper, 1.41227, 5e-6);
  EXPECT_THAT(at->points[2].signals, ElementsAre("limit"));  // 1.79
  const auto below = ra_cusum({true, true, false, false, false, false, true, false, false, false},
                              std::vector<double>(10, .1), {});
  EXPECT_NEAR(below->points[6].value, 3 * weights(.1, 2).event + 4 * weights(.1, 2).none, 1e-12);
  EXPECT_NEAR(below->points[6].value, *below->points[6].upper, 1e-12);
  EXPECT_EQ(below->signal_count(), 0u);
  EXPECT_NEAR(*below->false_alarms.within_these_points, .04149301, 5e-9);
}

TEST(RiskAdjustedCusum, NamesWhatIsWrong) {
  EXPECT_THAT(ra_cusum({true}, {1.0}).error().message, HasSubstr("between 0 and 1"));
  EXPECT_THAT(ra_cusum({true}, {.1, .1}).error().message, HasSubstr("one risk"));
  CusumOptions options;
  options.odds_ratio = 1;
  EXPECT_THAT(ra_cusum({true}, {.1}, options).error().message, HasSubstr("odds ratio"));
  EXPECT_THAT(ra_cusum({}, {})->reasons, ElementsAre("no cases"));
}

TEST(Vlad, IsForDisplayOnly) {
  const Chart chart = vlad({true, false, false}, {.1, .2, .3});
  EXPECT_TRUE(chart.display_only);
  EXPECT_NEAR(chart.points[2].value, -.9 + .2 + .3, 1e-12);
  EXPECT_FALSE(chart.points[2].upper);
  EXPECT_EQ(chart.signal_count(), 0u);
}

}  // namespace
}  // namespace casebox::analytics::spc
