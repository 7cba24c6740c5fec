// CRPS reference values: numerical integration of (F(y) - 1{y >= x})^2 with scipy.integrate.quad.

#include "analytics/twin/forecast_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace casebox::analytics::twin {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

v1::TwinForecast forecast(double issued_s, double valid_s, double value, double sd) {
  v1::TwinForecast out;
  out.set_kind(v1::TWIN_KIND_FORECAST);
  out.set_t_issued_ns(static_cast<int64_t>(issued_s * 1e9));
  out.set_t_valid_ns(static_cast<int64_t>(valid_s * 1e9));
  out.set_variable("m/HR");
  out.set_unit("/min");
  out.set_value(value);
  out.set_sd(sd);
  return out;
}

Series ramp() {  // value = second
  Series out;
  out.unit = "/min";
  for (int64_t t = 0; t <= 100; ++t) {
    out.t_ns.push_back(t * kSecond);
    out.values.push_back(static_cast<double>(t));
  }
  return out;
}

TEST(Crps, IsThatOfTheNormalDistribution) {
  EXPECT_NEAR(crps_normal(0, 1, 0), 0.2336950, 5e-8);
  EXPECT_NEAR(crps_normal(0, 1, 1.5), 0.994424003977453, 1e-9);
  EXPECT_NEAR(crps_normal(72.5, 4, 70), 1.538601768968472, 1e-9);
  EXPECT_DOUBLE_EQ(crps_normal(5, 0, 7), 2);
}

TEST(Forecasts, AreComparedAtTheTimeTheyAreAbout) {
  const Check check = check_forecasts({forecast(10, 40, 43, 2)}, {{"m/HR", ramp()}});
  ASSERT_EQ(check.scores.size(), 1u);
  const Score& s = check.scores[0];
  EXPECT_DOUBLE_EQ(s.bias, 3);  // 43 against 40
  EXPECT_DOUBLE_EQ(s.mae, 3);
  EXPECT_DOUBLE_EQ(s.persistence_mae, 30);  // 10 at issue against 40
  EXPECT_DOUBLE_EQ(s.coverage90, 1);        // 3 < 1.645 * 2
  EXPECT_DOUBLE_EQ(s.horizon_s, 30);
}

TEST(Forecasts, IssuedAfterTheirTimeAreHindsight) {
  const Check check =
      check_forecasts({forecast(50, 40, 40, 1), forecast(10, 40, 40, 1)}, {{"m/HR", ramp()}});
  EXPECT_EQ(check.forecasts, 2u);
  EXPECT_EQ(check.late_rejected, 1u);
  ASSERT_EQ(check.scores.size(), 1u);
  EXPECT_EQ(check.scores[0].scored, 1u);
}

TEST(Forecasts, AboutATimeNobodyObservedAreNotScored) {
  const Check check = check_forecasts({forecast(90, 120, 120, 1)}, {{"m/HR", ramp()}});
  EXPECT_EQ(check.unmatched, 1u);
  EXPECT_EQ(check.scores[0].scored, 0u);
  EXPECT_FALSE(check.coverage90);
}

TEST(Forecasts, OfOtherKindsAndUnitsAreCountedApart) {
  v1::TwinForecast plan = forecast(10, 40, 40, 1), other = forecast(10, 40, 40, 1);
  plan.set_kind(v1::TWIN_KIND_PLAN);
  other.set_unit("Hz");
  const Check check = check_forecasts({plan, other}, {{"m/HR", ramp()}});
  EXPECT_EQ(check.other_kind, 1u);
  EXPECT_EQ(check.unit_mismatch, 1u);
  EXPECT_TRUE(check.scores.empty());
}

TEST(Forecasts, CoverageOfAnHonestTwinIsNinetyPercent) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> noise(0, 3);
  Series series;
  std::vector<v1::TwinForecast> forecasts;
  for (int i = 0; i < 5000; ++i) {
    series.t_ns.push_back(i * kSecond);
    series.values.push_back(80 + noise(engine));
    if (i >= 30) forecasts.push_back(forecast(i - 30, i, 80, 3));
  }
  const Check check = check_forecasts(forecasts, {{"m/HR", series}});
  ASSERT_TRUE(check.coverage90);
  EXPECT_NEAR(*check.coverage90, .9, .015);
  EXPECT_LT(check.scores[0].mae,
            check.scores[0].persistence_mae);                   // two draws differ more than one
  EXPECT_NEAR(check.scores[0].crps, 3 / std::sqrt(M_PI), .06);  // of a calibrated normal
}

TEST(Forecasts, WithQuantilesInsteadOfASpread) {
  v1::TwinForecast f = forecast(10, 40, 42, 0);
  for (auto [p, value] : {std::pair{.05, 38.}, {.5, 42.}, {.95, 46.}}) {
    f.add_quantiles()->set_p(p);
    f.mutable_quantiles(f.quantiles_size() - 1)->set_value(value);
  }
  const Check check = check_forecasts({f}, {{"m/HR", ramp()}});
  EXPECT_EQ(check.with_interval, 1u);
  EXPECT_DOUBLE_EQ(*check.coverage90, 1);
  // 2 * mean(.05 * 2, .5 * 2, .05 * 6)
  EXPECT_NEAR(check.scores[0].crps, 2 * (.1 + 1 + .3) / 3, 1e-9);
}

}  // namespace
}  // namespace casebox::analytics::twin
