#include "analytics/spc/run_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casebox::analytics::spc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<size_t> where(const std::vector<double>& z, Rule rule) {
  std::vector<size_t> out;
  const auto found = apply_rules(z, {rule});
  for (size_t i = 0; i < found.size(); ++i)
    if (!found[i].empty()) out.push_back(i);
  return out;
}

TEST(RunRules, FlagAPointBeyondThreeSigma) {
  EXPECT_THAT(where({0, 3, 3.01, -3.01, -3}, Rule::kOne), ElementsAre(2, 3));
}

TEST(RunRules, CountARunOnOneSideAndStartAgainAtTheCentre) {
  std::vector<double> z(9, .1);
  EXPECT_THAT(where(z, Rule::kTwo), ElementsAre(8));
  EXPECT_THAT(where(z, Rule::kEightOnASide), ElementsAre(7, 8));
  z[4] = 0;
  EXPECT_THAT(where(z, Rule::kTwo), IsEmpty());
  z[4] = -.1;
  EXPECT_THAT(where(z, Rule::kEightOnASide), IsEmpty());
}

TEST(RunRules, SeeSixPointsRisingOrFalling) {
  EXPECT_THAT(where({0, .1, .2, .3, .4, .5, .5}, Rule::kThree), ElementsAre(5));
  EXPECT_THAT(where({.5, .4, .3, .2, .1, 0, .1}, Rule::kThree), ElementsAre(5));
  EXPECT_THAT(where({0, .1, .2, .2, .3, .4, .5}, Rule::kThree), IsEmpty());
}

TEST(RunRules, SeeFourteenPointsAlternating) {
  std::vector<double> z;
  for (int i = 0; i < 14; ++i) z.push_back(i % 2 ? .3 : .1);
  EXPECT_THAT(where(z, Rule::kFour), ElementsAre(13));
  z[6] = .4;
  EXPECT_THAT(where(z, Rule::kFour), IsEmpty());
}

TEST(RunRules, CountTwoOfThreeAndFourOfFiveOnTheSameSideOnly) {
  EXPECT_THAT(where({2.1, 0, 2.1}, Rule::kFive), ElementsAre(2));
  EXPECT_THAT(where({2.1, 0, -2.1}, Rule::kFive), IsEmpty());
  EXPECT_THAT(where({2.1, 2.1, 0}, Rule::kFive), ElementsAre(1));  // not on the point in between
  EXPECT_THAT(where({-1.1, -1.1, 0, -1.1, -1.1}, Rule::kSix), ElementsAre(4));
  EXPECT_THAT(where({-1.1, -1.1, 0, 1.1, -1.1}, Rule::kSix), IsEmpty());
}

TEST(RunRules, SeePointsHuggingTheCentreOrAvoidingIt) {
  std::vector<double> z(15, .9);
  z[3] = -.9;
  EXPECT_THAT(where(z, Rule::kSeven), ElementsAre(14));
  z[3] = 1;
  EXPECT_THAT(where(z, Rule::kSeven), IsEmpty());
  EXPECT_THAT(where({1.1, -1.1, 1.2, -2, 1.1, 1.1, -1.1, 1.1}, Rule::kEight), ElementsAre(7));
}

// Champ & Woodall 1987, table 1: run lengths with no shift.
TEST(RunRules, HaveTheRunLengthsOfChampAndWoodall) {
  const Rule r1 = Rule::kOne, r2 = Rule::kFive, r3 = Rule::kSix, r4 = Rule::kEightOnASide;
  EXPECT_NEAR(in_control_run_length({r1}).average, 370.40, .005);
  EXPECT_NEAR(in_control_run_length({r1, r2}).average, 225.44, .005);
  EXPECT_NEAR(in_control_run_length({r1, r3}).average, 166.05, .005);
  EXPECT_NEAR(in_control_run_length({r1, r4}).average, 152.73, .005);
  EXPECT_NEAR(in_control_run_length({r1, r2, r3}).average, 132.89, .005);
  EXPECT_NEAR(in_control_run_length({r1, r2, r4}).average, 122.05, .005);
  EXPECT_NEAR(in_control_run_length({r1, r3, r4}).average, 105.78, .005);
  EXPECT_NEAR(in_control_run_length(western_electric_rules()).average, 91.75, .005);
}

TEST(RunRules, SimulateTheRunLengthWhereNoChainIsSmallEnough) {
  const RunLength all = in_control_run_length(nelson_rules());
  EXPECT_FALSE(all.exact);
  // More rules, more false alarms; the same every time.
  EXPECT_LT(all.average, in_control_run_length({Rule::kOne, Rule::kTwo}).average);
  EXPECT_EQ(all.average, in_control_run_length(nelson_rules()).average);
}

}  // namespace
}  // namespace casebox::analytics::spc
