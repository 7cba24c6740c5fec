#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/review_store.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReportCommand : public ::testing::Test {
 protected:
  Result<int> report(const std::string& kind, const std::string& subject, bool cohort = false) {
    Args args;
    args.values["KIND"] = {kind};
    args.values[cohort ? "--cohort" : "CASE"] = {subject};
    args.values["--store"] = {store_.dir().string()};
    args.values["--out"] = {out().string()};
    for (const Arg& arg : kReportCommand.args) args.fallbacks[arg.name] = arg.fallback;
    return kReportCommand.run(args);
  }
  std::filesystem::path out() const { return store_.temp() / "report.html"; }
  std::string html() const {
    std::ifstream in(out());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  testing::ReviewStore store_;
};

TEST_F(ReportCommand, WritesALiabilityFileOfAStoredCase) {
  const CaseId id = store_.add({});
  const auto done = report("liability", to_string(id));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, 0);
  for (const char* text :
       {"COMPLETE_WITH_DECLARED_GAPS", "F-0101010101", "scope.video",
        "not recorded by policy: audio-off", "norm@1.0.0", "Preparation", "8 forecasts in time",
        "2 issued after the time they speak of", "casebox report"})
    EXPECT_THAT(html(), HasSubstr(text));
}

TEST_F(ReportCommand, ComparesWithTheOtherCasesOfTheStore) {
  for (int i = 0; i < 12; ++i) {
    testing::ReviewCase other;
    other.preparation_s = 20 + i;
    other.seconds = 80;
    other.broken_clock = i == 11;
    store_.add(other);
  }
  const CaseId id = store_.add({});
  ASSERT_TRUE(report("liability", to_string(id)));
  // The median of 20 to 30 s over the eleven whose clock holds; this case's 40 s is beyond.
  EXPECT_THAT(html(), HasSubstr("<td class=\"num\">11</td><td class=\"num\">25.0 s</td>"));
  EXPECT_THAT(html(), HasSubstr("outside"));
  EXPECT_THAT(html(), HasSubstr("Clock broken"));
  const auto board = report("committee", "", true);
  ASSERT_TRUE(board) << board.error().message;
  EXPECT_THAT(html(), HasSubstr("Cases: 13."));
  EXPECT_THAT(html(), Not(HasSubstr(to_string(id).substr(0, 8))));
}

TEST_F(ReportCommand, RefusesABriefingThatTheConsentDoesNotName) {
  const CaseId id = store_.add({});
  const auto refused = report("briefing", to_string(id));
  ASSERT_FALSE(refused);
  EXPECT_EQ(exit_code(refused.error()), 1);
  EXPECT_THAT(refused.error().message, HasSubstr("patient-briefing"));
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(ReportCommand, WritesABriefingThatTheConsentNames) {
  testing::ReviewCase allowed;
  allowed.consent.push_back(v1::CONSENT_SCOPE_PATIENT_BRIEFING);
  const CaseId id = store_.add(allowed);
  const auto done = report("briefing", to_string(id));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(html(), HasSubstr("About your operation"));
  EXPECT_THAT(html(), HasSubstr("the patient office of this hospital"));
}

TEST_F(ReportCommand, OfFewCasesTheCommitteeSeesOnlyThatTheyAreFew) {
  store_.add({});
  ASSERT_TRUE(report("committee", "", true));
  EXPECT_THAT(html(), HasSubstr("Fewer than 11 cases"));
  EXPECT_THAT(html(), Not(HasSubstr("instrument")));
}

TEST_F(ReportCommand, SaysWhatIsWrongWithItsArguments) {
  for (const auto& [kind, cohort] : {std::pair{"blame", false}, std::pair{"liability", true}}) {
    const auto refused = report(kind, "x", cohort);
    ASSERT_FALSE(refused);
    EXPECT_EQ(exit_code(refused.error()), 2);
  }
}

}  // namespace
}  // namespace casebox::tools
