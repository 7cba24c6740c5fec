// Claims against what was planted: what counts as right.

#include <gtest/gtest.h>

#include "tools/demo/score.h"

namespace casebox::tools {
namespace {

std::string truth(const std::string& kind, bool ambiguous) {
  return R"({"phases": [], "forecasts": {"total": 0, "late": 0}, "departures": [{"kind": ")" +
         kind + R"(", "step": "view", "t_s": 5, "ambiguous": )" + (ambiguous ? "true" : "false") +
         "}]}";
}

TruthScore score(const std::string& kind, bool ambiguous, const std::string& claimed,
                 v1::Certainty certainty, const std::string& step = "view") {
  CaseView view;
  v1::Finding& finding = view.findings.emplace_back();
  finding.set_kind("departure");
  finding.set_step(step);
  finding.set_certainty(certainty);
  (*finding.mutable_labels())["deviation"] = claimed;
  auto out = score_against_truth(truth(kind, ambiguous), view);
  EXPECT_TRUE(out) << out.error().message;
  return *std::move(out);
}

TEST(TruthScore, ACertainClaimOfThePlantedStepAndKindIsRight) {
  const TruthScore right = score("missing", false, "missing", v1::CERTAINTY_CERTAIN);
  EXPECT_EQ(right.claimed_certain, 1u);
  EXPECT_EQ(right.false_certain, 0u);
  EXPECT_EQ(right.found_certain, 1u);
}

TEST(TruthScore, ACertainClaimOfAnythingElseIsWrong) {
  EXPECT_EQ(score("unobserved", false, "missing", v1::CERTAINTY_CERTAIN).false_certain, 1u);
  EXPECT_EQ(score("justified", false, "extra", v1::CERTAINTY_CERTAIN).false_certain, 1u);
  EXPECT_EQ(score("order", false, "missing", v1::CERTAINTY_CERTAIN).false_certain, 1u);
  EXPECT_EQ(score("order", true, "order", v1::CERTAINTY_CERTAIN).false_certain, 1u);
  EXPECT_EQ(score("missing", false, "missing", v1::CERTAINTY_CERTAIN, "count").false_certain, 1u);
}

TEST(TruthScore, AnAmbiguousClaimIsNeitherCertainNorFindsWhatWasPlantedAsCertain) {
  const TruthScore doubtful = score("missing", false, "missing", v1::CERTAINTY_AMBIGUOUS);
  EXPECT_EQ(doubtful.claimed_certain, 0u);
  EXPECT_EQ(doubtful.false_certain, 0u);
  EXPECT_EQ(doubtful.missed, 1u);
}

}  // namespace
}  // namespace casebox::tools
