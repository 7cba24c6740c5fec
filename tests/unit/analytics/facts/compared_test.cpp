#include "analytics/facts/compared.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casebox::analytics::facts {
namespace {

using ::testing::ElementsAre;

v1::Finding finding(const std::string& kind, const std::string& sha = "a") {
  v1::Finding out;
  out.set_kind(kind);
  out.mutable_run()->set_job("conformance");
  out.mutable_run()->set_protocol("norm@1.0.0");
  out.mutable_run()->set_protocol_sha256(sha);
  return out;
}

v1::Finding run(const std::string& outcome, const std::string& reason = "") {
  v1::Finding out = finding("run");
  (*out.mutable_labels())["outcome"] = outcome;
  if (!reason.empty()) (*out.mutable_labels())["reason"] = reason;
  return out;
}

v1::Finding weights(const std::string& values, const std::string& tally,
                    const std::string& sha = "a") {
  v1::Finding out = finding("weights", sha);
  (*out.mutable_labels())["value_weights"] = values;
  (*out.mutable_labels())["tally"] = tally;
  return out;
}

Compared of(const std::vector<v1::Finding>& findings) { return compared(findings); }

TEST(Compared, ACaseWithoutAConformanceRunWasNeverCompared) {
  v1::Finding other = run("ran");
  other.mutable_run()->set_job("timing");
  const Compared result = of({other});
  EXPECT_EQ(result.outcome, Compared::Outcome::kNever);
  EXPECT_FALSE(result.ran());
  EXPECT_EQ(result.norm.id, "");
}

TEST(Compared, SkippedAndFailedAreNotComparedAndSayWhy) {
  const Compared skipped = of({run("skipped", "no norm was given")});
  EXPECT_EQ(skipped.outcome, Compared::Outcome::kSkipped);
  EXPECT_EQ(skipped.reason, "no norm was given");
  EXPECT_EQ(of({run("failed", "corrupt")}).outcome, Compared::Outcome::kFailed);
  EXPECT_TRUE(of({run("ran")}).ran());
  EXPECT_EQ(of({run("ran")}).norm, (NormName{"norm@1.0.0", "61"}));
}

TEST(Compared, DeparturesThatAreNotCertainlyKnownAreNotJudged) {
  EXPECT_TRUE(of({run("ran")}).judged);
  v1::Finding ended = run("ran");
  (*ended.mutable_values())["cost"] = 9;
  (*ended.mutable_values())["lower_bound"] = 7;
  EXPECT_FALSE(of({ended}).judged);
  v1::Finding unsure = finding("departure");
  EXPECT_FALSE(of({unsure, run("ran")}).judged);
  unsure.set_certainty(v1::CERTAINTY_AMBIGUOUS);
  EXPECT_TRUE(of({unsure, run("ran")}).judged);
}

TEST(Compared, WeightsInAnUnknownFormAreNone) {
  EXPECT_TRUE(of({weights("a=1", "listed 1 0 1"), run("ran")}).weights);
  EXPECT_FALSE(of({weights("a=1", "listed 1 0 1,1"), run("ran")}).weights);
  EXPECT_FALSE(of({weights("a", "unknown"), run("ran")}).weights);
}

TEST(WeighedTogether, OnlyCasesOfOneNormAre) {
  const std::vector<Compared> cases = {
      of({weights("a=1", "listed 1 0 1"), run("ran")}),
      of({weights("a=1", "listed 2 0 2", "b")}),
      of({run("skipped")}),
      of({weights("a=1", "unknown"), run("ran")}),
      of({run("ran")}),  // by a program that kept no weights
  };
  const auto groups = weighed_together(cases);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].cases, 1u);
  EXPECT_TRUE(groups[0].tallies.empty());
  EXPECT_THAT(groups[1].members, ElementsAre(0, 3));
  EXPECT_EQ(groups[1].values, (analytics::conformance::Values{{"a"}, {1}}));
  EXPECT_THAT(groups[2].members, ElementsAre(1));
  EXPECT_EQ(groups[2].norm.sha256, "62");
}

}  // namespace
}  // namespace casebox::analytics::facts
