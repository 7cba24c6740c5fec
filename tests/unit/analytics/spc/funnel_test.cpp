#include "analytics/spc/funnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <cmath>

namespace casebox::analytics::spc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Group> alike(size_t count) {
  std::vector<Group> out;
  for (size_t i = 0; i < count; ++i)
    out.push_back({"room " + std::to_string(i), static_cast<unsigned>(9 + i % 3), 100});
  return out;
}

TEST(Funnel, InterpolatesExactBinomialLimits) {
  FunnelOptions options;
  options.target = .1;
  const Funnel plot = funnel({{"a", 5, 50}, {"b", 20, 200}}, options);
  ASSERT_THAT(plot.reasons, IsEmpty());
  const boost::math::binomial d(50, .1);
  double r = 0;
  while (boost::math::cdf(d, r) <= .975) ++r;
  const double expected = (r - (boost::math::cdf(d, r) - .975) /
                                   (boost::math::cdf(d, r) - boost::math::cdf(d, r - 1))) /
                          50;
  EXPECT_NEAR(plot.groups[0].high95, expected, 1e-12);
  EXPECT_LT(plot.groups[1].high95, plot.groups[0].high95);
  EXPECT_GT(plot.groups[1].low998, 0);
  EXPECT_EQ(plot.groups[0].outside, "");
}

TEST(Funnel, FlagsAGroupOutsideAndKeepsTheOrderGiven) {
  auto groups = alike(12);
  groups[3].events = 24;
  const Funnel plot = funnel(groups);
  EXPECT_EQ(plot.groups[3].group.name, "room 3");
  EXPECT_EQ(plot.groups[3].outside, "99.8");
  EXPECT_EQ(plot.applied, Dispersion::kNone);  // one group is winsorised away
  EXPECT_NEAR(plot.expected_outside_95, .6, 1e-12);
}

TEST(Funnel, WidensWhenGroupsDifferByMoreThanChance) {
  std::vector<Group> groups;
  for (unsigned i = 0; i < 20; ++i) groups.push_back({std::to_string(i), 40 + 6 * i, 1000});
  const Funnel plot = funnel(groups);
  ASSERT_EQ(plot.applied, Dispersion::kMultiplicative);
  // By hand: z of the 3rd to 18th, those beyond set to the 3rd and 18th.
  const double target = 97.0 / 1000, s = std::sqrt(target * (1 - target) / 1000);
  double squares = 0;
  for (int i = 0; i < 20; ++i) {
    const double z = ((40 + 6 * std::clamp(i, 2, 17)) / 1000.0 - target) / s;
    squares += z * z;
  }
  EXPECT_NEAR(*plot.target, target, 1e-12);
  EXPECT_NEAR(*plot.phi, squares / 20, 1e-9);
  EXPECT_NEAR(plot.groups[0].high95, target + 1.959963985 * std::sqrt(squares / 20) * s, 1e-9);
  FunnelOptions additive;
  additive.dispersion = Dispersion::kAdditive;
  const Funnel added = funnel(groups, additive);
  EXPECT_EQ(added.applied, Dispersion::kAdditive);
  // All of one size: w - sum w^2 / w = 19 / s^2.
  EXPECT_NEAR(*added.tau, std::sqrt((squares - 19) / 19) * s, 1e-9);
  FunnelOptions none;
  none.dispersion = Dispersion::kNone;
  EXPECT_THAT(funnel(groups, none).notices, Contains(HasSubstr("more than chance")));
}

TEST(Funnel, ChartsRatesByPoisson) {
  FunnelOptions options;
  options.of = FunnelOf::kRates;
  options.target = 2;
  const Funnel plot = funnel({{"a", 40, 10}, {"b", 4, 2}}, options);
  EXPECT_EQ(plot.groups[0].outside, "99.8");
  EXPECT_NEAR(plot.groups[0].z, 2 / std::sqrt(.2), 1e-12);
  EXPECT_EQ(plot.groups[1].outside, "");
}

TEST(Funnel, SaysWhyItHasNoLimits) {
  EXPECT_THAT(funnel(alike(2)).reasons, ElementsAre(HasSubstr("2 groups")));
  EXPECT_THAT(funnel({{"a", 0, 5}, {"b", 0, 5}, {"c", 0, 5}}).reasons,
              ElementsAre(HasSubstr("never or always")));
  auto groups = alike(4);
  groups.push_back({"empty", 0, 0});
  const Funnel plot = funnel(groups);
  EXPECT_EQ(plot.groups.size(), 4u);
  EXPECT_THAT(plot.notices, Contains(HasSubstr("empty")));
  EXPECT_THAT(plot.notices, Contains(HasSubstr("below 10")));
}

}  // namespace
}  // namespace casebox::analytics::spc
