#include "analytics/conformance/weights.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "analytics/conformance/tally_text.h"

namespace casebox::analytics::conformance {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

protocol::Norm norm_with(const std::vector<std::pair<std::string, double>>& values) {
  protocol::Norm norm;
  for (const auto& [id, weight] : values) {
    v1::ProtocolValue& value = *norm.source.add_values();
    value.set_id(id);
    value.set_weight(weight);
  }
  return norm;
}

/// A certain departure that touches a value; in every explanation.
Departure touching(const std::string& value, Kind kind = Kind::kMissing) {
  Departure d;
  d.kind = d.deviation = kind;
  d.value = value;
  return d;
}

Departure maybe(const std::string& value, std::vector<uint32_t> explanations) {
  Departure d = touching(value);
  d.certainty = v1::CERTAINTY_AMBIGUOUS;
  d.explanations = std::move(explanations);
  return d;
}

CaseResult with(std::vector<Departure> departures, uint32_t explanations = 1) {
  CaseResult result;
  result.departures = std::move(departures);
  result.explanations = explanations;
  return result;
}

TEST(Weights, AreScaledSoThatADepartureOfAverageWeightCountsOne) {
  const protocol::Norm norm = norm_with({{"a", 3}, {"b", 1}});
  const std::vector<CaseResult> cases = {with({touching("a"), touching("b"), touching("b")})};
  const Weighing w = weigh(norm, cases, {});
  EXPECT_THAT(w.declared, ElementsAre(1.5, .5));
  EXPECT_EQ(w.cases[0].declared.least, 2.5);
  EXPECT_EQ(w.cases[0].equal.least, 3);  // the number of departures
  EXPECT_EQ(w.total.declared.least, 2.5);
}

TEST(Weights, JustifiedAndUnobservedDeparturesAreNotScored) {
  const protocol::Norm norm = norm_with({{"a", 1}});
  Departure justified = touching("a", Kind::kJustified), unseen = touching("a", Kind::kUnobserved);
  justified.certainty = v1::CERTAINTY_JUSTIFIED;
  unseen.certainty = v1::CERTAINTY_UNOBSERVED;
  justified.explanations = unseen.explanations = {0};
  const std::vector<CaseResult> cases = {with({justified, unseen, touching("a", Kind::kTime)})};
  const Weighing w = weigh(norm, cases, {});
  EXPECT_EQ(w.cases[0].scored, 1u);
  EXPECT_EQ(w.cases[0].declared.most, 1);
}

TEST(Weights, SeveralExplanationsGiveARangeFromTheLightestToTheHeaviest) {
  const protocol::Norm norm = norm_with({{"a", 3}, {"b", 1}});
  // Either a moved, or b did; one more of b whatever happened.
  const std::vector<CaseResult> cases = {
      with({maybe("a", {0}), maybe("b", {1}), touching("b")}, 2)};
  const Weighing w = weigh(norm, cases, {});
  EXPECT_EQ(w.cases[0].declared.least, 1);
  EXPECT_EQ(w.cases[0].declared.most, 2);
  EXPECT_EQ(w.cases[0].equal.least, w.cases[0].equal.most);
  EXPECT_EQ(w.cases[0].scored, 2u);
}

TEST(Weights, ExplanationsThatAreNotAllListedGiveBounds) {
  const protocol::Norm norm = norm_with({{"a", 1}});
  CaseResult result = with({touching("a"), maybe("a", {0}), maybe("a", {1})}, 99);
  result.explanations_complete = false;
  const Weighing w = weigh(norm, std::vector{result}, {});
  EXPECT_FALSE(w.cases[0].listed);
  EXPECT_EQ(w.cases[0].declared.least, 1);
  EXPECT_EQ(w.cases[0].declared.most, 3);
}

TEST(Weights, DeparturesThatTouchNoValueAreCountedAndNotWeighed) {
  const protocol::Norm norm = norm_with({{"a", 1}});
  const std::vector<CaseResult> cases = {with({touching("a"), touching(""), touching("")})};
  const Weighing w = weigh(norm, cases, {});
  EXPECT_EQ(w.cases[0].without_value, 2u);
  EXPECT_EQ(w.cases[0].scored, 3u);
  EXPECT_EQ(w.cases[0].declared.most, 1);
}

TEST(Weights, WithoutAHierarchyOfValuesThereIsNoScoreAndAReason) {
  const std::vector<CaseResult> cases = {with({touching("a")})};
  EXPECT_THAT(weigh(norm_with({}), cases, {}).reason, HasSubstr("no values"));
  EXPECT_THAT(weigh(norm_with({{"a", 0}}), cases, {}).reason, HasSubstr("weight above 0"));
}

TEST(Weights, ACaseWhoseDeparturesAreNotKnownHasNoScore) {
  const protocol::Norm norm = norm_with({{"a", 1}});
  std::vector<CaseResult> cases = {with({touching("a")}), with({}), with({touching("a")})};
  cases[1].exact = false;                                        // the budget ended
  cases[2].departures[0].certainty = v1::CERTAINTY_UNSPECIFIED;  // cost only
  const Weighing w = weigh(norm, cases, {});
  EXPECT_EQ(w.not_judged, 2u);
  EXPECT_FALSE(w.cases[1].judged);
  EXPECT_EQ(w.total.declared.least, 1);
  EXPECT_THAT(weigh(norm, std::span(cases).subspan(1), {}).reason, HasSubstr("known"));
}

// Barron and Barrett 1996: the mean of uniform weights that keep an order is the rank order
// centroid, (1/n) sum of 1/k: .6111, .2778, .1111 of 1 for three.
TEST(RandomWeights, HaveTheRankOrderCentroidAsTheirMean) {
  const auto draws = random_weights({.1, 2, .9}, {.seed = 1, .draws = 20'000});
  std::vector<double> mean(3);
  for (const std::vector<double>& weights : draws)
    for (size_t v = 0; v < 3; ++v) mean[v] += weights[v] / 20'000 / 3;
  EXPECT_THAT(mean, ElementsAre(DoubleNear(1. / 9, .003), DoubleNear(11. / 18, .003),
                                DoubleNear(5. / 18, .003)));
}

TEST(RandomWeights, KeepTheDeclaredOrderTiesZeroesAndTheMean) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> declared(1 + random() % 6);
    for (double& weight : declared) weight = static_cast<double>(random() % 4);
    declared[0] += 1;  // some weight
    for (const std::vector<double>& w : random_weights(declared, {.seed = random(), .draws = 20})) {
      EXPECT_NEAR(std::accumulate(w.begin(), w.end(), 0.0), static_cast<double>(w.size()), 1e-9);
      for (size_t i = 0; i < w.size(); ++i) {
        EXPECT_EQ(w[i] == 0, declared[i] == 0);
        for (size_t k = 0; k < w.size(); ++k) {
          EXPECT_TRUE(declared[i] != declared[k] || w[i] == w[k]);
          EXPECT_TRUE(declared[i] <= declared[k] || w[i] >= w[k]);
        }
      }
    }
  }
}

TEST(RandomWeights, AreTheSameForTheSameSeed) {
  const WeightOptions one{.seed = 5, .draws = 3}, other{.seed = 6, .draws = 3};
  EXPECT_EQ(random_weights({3, 2, 1}, one), random_weights({3, 2, 1}, one));
  EXPECT_NE(random_weights({3, 2, 1}, one), random_weights({3, 2, 1}, other));
}

// One departure of a (1.2) against two of b (.8): under weights a : 2 - a with a uniform in 1 to 2
// the first weighs more when a > 4/3, in two of three draws.
TEST(Weights, AnOrderOfCasesThatHangsOnTheWeightsIsSaid) {
  const protocol::Norm norm = norm_with({{"a", 3}, {"b", 2}});
  const std::vector<CaseResult> cases = {with({touching("a")}),
                                         with({touching("b"), touching("b")})};
  const Weighing w = weigh(norm, cases, {.seed = 1, .draws = 6000});
  EXPECT_EQ(w.pairs, 1u);
  EXPECT_EQ(w.reversed_equal, 0u);
  EXPECT_EQ(w.reversed.median, 1);
  EXPECT_EQ(w.reversed.low, 0);
  EXPECT_FALSE(w.order_kept);
  EXPECT_EQ(w.cases[0].side, -1);
  EXPECT_EQ(w.cases[1].side, 1);
  EXPECT_NEAR(w.cases[0].side_kept, 1. / 3, .02);
  EXPECT_NEAR(w.cases[0].random.median, 1.5, .02);  // of a uniform in 1 to 2
  EXPECT_NEAR(w.cases[0].random.low, 1.025, .01);
  EXPECT_NEAR(w.cases[0].random.high, 1.975, .01);
}

TEST(Weights, ACaseWithAllThatAnotherHasAndMoreStandsAboveItUnderAnyWeights) {
  const protocol::Norm norm = norm_with({{"a", 3}, {"b", 2}});
  const std::vector<CaseResult> cases = {with({touching("a"), touching("b")}),
                                         with({touching("a")}), with({})};
  const Weighing w = weigh(norm, cases, {});
  EXPECT_EQ(w.pairs, 3u);
  EXPECT_TRUE(w.order_kept);
  EXPECT_EQ(w.reversed.high, 0);
}

CaseResult random_case(std::mt19937_64& random) {
  const uint32_t explanations = 1 + static_cast<uint32_t>(random() % 3);
  std::vector<Departure> departures;
  for (auto n = random() % 5; n > 0; --n) {
    const std::string value(1, static_cast<char>('a' + random() % 3));
    if (explanations == 1 || random() % 2)
      departures.push_back(touching(value));
    else
      departures.push_back(maybe(value, {static_cast<uint32_t>(random() % explanations)}));
  }
  return with(std::move(departures), explanations);
}

TEST(Weights, PairsAreCountedAsByComparingEachWithEach) {
  const protocol::Norm norm = norm_with({{"a", 5}, {"b", 2}, {"c", 1}});
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<CaseResult> cases;
    for (auto n = 2 + random() % 12; n > 0; --n) cases.push_back(random_case(random));
    const Weighing w = weigh(norm, cases, {.seed = seed, .draws = 1});
    uint64_t pairs = 0, equal = 0, draw = 0;
    const auto above = [](double a, double b) { return a > b + 1e-9; };
    for (const WeighedCase& a : w.cases)
      for (const WeighedCase& b : w.cases) {
        if (!above(a.declared.least, b.declared.least)) continue;
        ++pairs;
        equal += above(b.equal.least, a.equal.least);
        draw += above(b.random.median, a.random.median);
      }
    EXPECT_EQ(w.pairs, pairs) << seed;
    EXPECT_EQ(w.reversed_equal, equal) << seed;
    if (pairs > 0) {
      EXPECT_DOUBLE_EQ(w.reversed.median, static_cast<double>(draw) / static_cast<double>(pairs));
    }
    EXPECT_EQ(w.order_kept, equal == 0 && draw == 0);
  }
}

TEST(Weights, FromTalliesThatWereWrittenAndReadAreThoseOfTheCasesThemselves) {
  const protocol::Norm norm = norm_with({{"a", 5}, {"b", 2}, {"c", 1}});
  std::mt19937_64 random(11);
  std::vector<CaseResult> cases;
  for (int i = 0; i < 60; ++i) cases.push_back(random_case(random));
  cases[3].exact = false;
  cases[7].explanations_complete = false;
  std::vector<Tally> tallies;
  for (const CaseResult& one : cases) {
    const auto back = parse_tally(tally_text(tally(norm, one)), 3);
    ASSERT_TRUE(back) << back.error().message;
    tallies.push_back(*back);
  }
  const auto values = parse_values(values_text(values_of(norm)));
  ASSERT_TRUE(values) << values.error().message;
  const Weighing ours = weigh(*values, tallies, {.seed = 3, .draws = 50});
  const Weighing theirs = weigh(norm, cases, {.seed = 3, .draws = 50});
  EXPECT_EQ(ours.declared, theirs.declared);
  EXPECT_EQ(ours.not_judged, 1u);
  EXPECT_EQ(ours.pairs, theirs.pairs);
  EXPECT_EQ(ours.reversed_equal, theirs.reversed_equal);
  EXPECT_EQ(ours.reversed.high, theirs.reversed.high);
  EXPECT_EQ(ours.total.random.median, theirs.total.random.median);
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(ours.cases[i].listed, theirs.cases[i].listed);
    EXPECT_EQ(ours.cases[i].scored, theirs.cases[i].scored);
    EXPECT_EQ(ours.cases[i].declared.most, theirs.cases[i].declared.most);
    EXPECT_EQ(ours.cases[i].random.low, theirs.cases[i].random.low);
    EXPECT_EQ(ours.cases[i].side_kept, theirs.cases[i].side_kept);
  }
}

TEST(Weights, DoNotDependOnTheOrderOfCases) {
  const protocol::Norm norm = norm_with({{"a", 5}, {"b", 2}, {"c", 1}});
  std::mt19937_64 random(7);
  std::vector<CaseResult> cases;
  for (int i = 0; i < 40; ++i) {
    cases.push_back(random_case(random));
    cases.back().case_key = std::to_string(i);
  }
  const Weighing before = weigh(norm, cases, {});
  std::vector<CaseResult> shuffled = cases;
  std::ranges::shuffle(shuffled, random);
  const Weighing after = weigh(norm, shuffled, {});
  EXPECT_EQ(after.reversed.median, before.reversed.median);
  EXPECT_NEAR(after.total.random.high, before.total.random.high, 1e-9);
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto at = static_cast<size_t>(std::stoi(shuffled[i].case_key));
    EXPECT_EQ(after.cases[i].declared.least, before.cases[at].declared.least);
    EXPECT_EQ(after.cases[i].random.low, before.cases[at].random.low);
    EXPECT_EQ(after.cases[i].side_kept, before.cases[at].side_kept);
  }
}

}  // namespace
}  // namespace casebox::analytics::conformance
