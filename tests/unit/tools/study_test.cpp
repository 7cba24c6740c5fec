#include "tools/findings/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/producer/identity.h"
#include "tests/support/review_store.h"
#include "tools/analyses/as_study.h"

namespace casebox::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StudyTest : public ::testing::Test {
 protected:
  std::unique_ptr<StoreAccess> open(bool write = true) {
    StoreOptions options;
    options.store = store_.dir();
    options.write = write;
    auto access = StoreAccess::open(options);
    EXPECT_TRUE(access) << access.error().message;
    return std::move(*access);
  }
  WrittenStudy keep(StoreAccess& access, const StudyQuestion& question, double value = 1) {
    auto written = write_study(access, question, answer(value));
    EXPECT_TRUE(written) << written.error().message;
    return std::move(*written);
  }
  /// One finding with this value, over cases of which no frames are named.
  StudyAnswer answer(double value) const {
    StudyAnswer out;
    analytics::finding::Draft draft;
    draft.kind = "cohort-test";
    draft.place = "all";
    draft.values["value"] = value;
    out.drafts.push_back(draft);
    for (size_t i = 0; i < members_; ++i) {
      StudyMember& member = out.cohort.emplace_back();
      member.case_id.bytes[0] = static_cast<uint8_t>(i / 250 + 1);
      member.case_id.bytes[1] = static_cast<uint8_t>(i % 250);
      if (i == 1) member.withheld = {"broken clock", "broken clock", "no phases"};
    }
    return out;
  }
  StoredFindings stored(StoreAccess& access, CaseId id) {
    auto reader =
        storage::CaseReader::open(access.store(), id, access.keyring(), keyring::Purpose::kView);
    EXPECT_TRUE(reader);
    auto found = read_findings(**reader);
    EXPECT_TRUE(found) << found.error().message;
    return std::move(*found);
  }
  static double value_of(const StoredFindings& found) {
    return found.in_force.front().values().at("value");
  }

  testing::ReviewStore store_;
  size_t members_ = 3;
};

TEST_F(StudyTest, AskingTheSameAgainFindsTheSameStudyAndWritesOnlyWhatChanged) {
  auto access = open();
  const auto first = keep(*access, {"test", "room = \"or-1\"", "x"});
  EXPECT_TRUE(first.created && first.written);
  const auto second = keep(*access, {"test", "room=\"or-1\"", "x"});
  EXPECT_EQ(second.study_id, first.study_id);
  EXPECT_FALSE(second.created || second.written);
  const auto third = keep(*access, {"test", "room = \"or-1\"", "x"}, 2);
  EXPECT_EQ(third.study_id, first.study_id);
  EXPECT_TRUE(third.written);
  EXPECT_EQ(value_of(stored(*access, first.study_id)), 2);
  EXPECT_EQ(studies(*access)->size(), 1u);
}

TEST_F(StudyTest, AnotherJobCohortOrOptionIsAnotherStudy) {
  auto access = open();
  std::set<CaseId> ids;
  for (const StudyQuestion& question : {StudyQuestion{"test", "", ""},
                                        {"other", "", ""},
                                        {"test", "gaps > 1", ""},
                                        {"test", "", "x"}})
    ids.insert(keep(*access, question).study_id);
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_FALSE(write_study(*access, {"test", "nonsense(", ""}, answer(1)));
}

TEST_F(StudyTest, EachStudyTakesAKeyOfItsOwn) {
  auto access = open();
  const CaseId a = keep(*access, {"test", "", ""}).study_id;
  const CaseId b = keep(*access, {"other", "", ""}).study_id;
  const auto one = **access->store().find_case(a), other = **access->store().find_case(b);
  EXPECT_EQ(one.case_public_key().size(), 32u);
  EXPECT_NE(one.case_public_key(), other.case_public_key());
  // A study whose key is gone is nobody's: the next run begins another.
  std::filesystem::remove(store_.dir() / "keys" / "cases" /
                          (to_hex(one.case_public_key()) + ".key"));
  const auto again = keep(*access, {"test", "", ""});
  EXPECT_TRUE(again.created);
  EXPECT_NE(again.study_id, a);
}

TEST_F(StudyTest, NamesItsCohortOnceInPartsOfABoundedSize) {
  members_ = 450;
  auto access = open();
  const auto written = keep(*access, {"test", "", ""});
  std::vector<double> sizes;
  for (const v1::Finding& one : written.findings) {
    if (one.kind() != kCohortKind) continue;
    sizes.push_back(one.values().at("cases"));
    EXPECT_EQ(one.labels().size(), static_cast<size_t>(sizes.back()));
  }
  EXPECT_THAT(sizes, ElementsAre(200, 200, 50));
  EXPECT_EQ(written.findings.back().values().at("cases"), 450);
  EXPECT_EQ(written.findings.back().values().at("withheld"), 1);
  EXPECT_EQ(written.findings[1].labels().at(to_string(answer(1).cohort[1].case_id)),
            "times withheld: broken clock; broken clock; no phases");
}

TEST_F(StudyTest, TheOrderOfTheCohortDoesNotMatter) {
  auto access = open();
  const auto first = keep(*access, {"test", "", ""});
  StudyAnswer turned = answer(1);
  std::swap(turned.cohort[0], turned.cohort[2]);
  const auto again = write_study(*access, {"test", "", ""}, turned);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->written);
}

TEST_F(StudyTest, ARunThatACrashCutOffIsNotInForce) {
  auto access = open();
  const auto whole = keep(*access, {"test", "", ""});
  const auto record = **access->store().find_case(whole.study_id);
  {
    auto log = access->open_log("analysis");
    ASSERT_TRUE(log);
    auto key = access->keystore()->signing_key("analysis");
    producer::Options options;
    options.case_id = whole.study_id;
    options.producer_id = producer::producer_id_of(*key);
    options.details.set_kind(v1::CASE_KIND_STUDY);
    std::copy_n(record.case_public_key().begin(), 32, options.case_public_key.begin());
    auto producer =
        producer::Producer::open(std::move(options), std::move(*key), **log, access->clock());
    ASSERT_TRUE(producer);
    auto half = study_findings(*access, whole.study_id, {"test", "", ""}, answer(7));
    half->resize(1);
    ASSERT_TRUE(append_findings(**producer, access->clock(), *half));
    ASSERT_TRUE((*log)->sync());
  }
  ASSERT_TRUE(access->open_log("analysis"));  // finishes the epoch
  ASSERT_TRUE(access->drain());
  EXPECT_EQ((**access->store().find_case(whole.study_id)).epochs_size(), 2);
  EXPECT_EQ(value_of(stored(*access, whole.study_id)), 1);
  const auto mended = keep(*access, {"test", "", ""}, 7);
  EXPECT_TRUE(mended.written);
  EXPECT_EQ(value_of(stored(*access, whole.study_id)), 7);
}

TEST_F(StudyTest, SaysHowACohortChanged) {
  auto access = open();
  const auto before = study_findings(*access, CaseId{{9}}, {"test", "", ""}, answer(1));
  EXPECT_THAT(cohort_changes(*before, *before), IsEmpty());
  StudyAnswer other = answer(1);
  other.cohort.erase(other.cohort.begin());
  other.cohort[0].withheld.clear();
  for (uint8_t i = 1; i <= 2; ++i) other.cohort.push_back({CaseId{{99, i}}, {}, {}});
  const auto now = study_findings(*access, CaseId{{9}}, {"test", "", ""}, other);
  EXPECT_THAT(cohort_changes(*before, *now),
              ElementsAre("cohort: 2 cases came", "cohort: 1 case left",
                          "cohort: 1 case is used or left out otherwise"));
}

TEST_F(StudyTest, RefusesADraftWithMoreSourcesThanARecordHolds) {
  auto access = open();
  StudyAnswer big = answer(1);
  big.drafts[0].sources.resize(2001);
  const auto refused = write_study(*access, {"test", "", ""}, big);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("leave them to the cohort"));
}

TEST_F(StudyTest, RefusesTwoFindingsAtOnePlace) {
  auto access = open();
  StudyAnswer twice = answer(1);
  twice.drafts.push_back(twice.drafts[0]);
  twice.drafts[1].values["value"] = 2;
  const auto refused = write_study(*access, {"test", "", ""}, twice);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("at the place 'all'"));
  EXPECT_TRUE(studies(*access)->empty());
}

TEST_F(StudyTest, NeedsAKeystore) {
  const auto keys = store_.dir() / "keys";
  std::filesystem::rename(keys, store_.temp() / "elsewhere");
  auto access = open();
  const auto refused = write_study(*access, {"test", "", ""}, answer(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);
}

TEST(StudyOptions, TheSameOptionsGiveTheSameText) {
  CohortAnalysis analysis;
  analysis.name = "test";
  analysis.args = {
      {"--b", ArgKind::kText, "", "7"}, {"--a", ArgKind::kList}, {"--show", ArgKind::kFlag}};
  analysis.shown_only = {"--show"};
  Args args;
  EXPECT_EQ(canonical_options(analysis, args), "");
  args.values = {{"--b", {"7"}}, {"--show", {"true"}}, {"--store", {"s"}}, {"--json", {"true"}}};
  EXPECT_EQ(canonical_options(analysis, args), "");
  args.values["--b"] = {"8"};
  args.values["--a"] = {"x", "y"};
  EXPECT_EQ(canonical_options(analysis, args), R"({"--a":["x","y"],"--b":["8"]})");
  args.values["--a"] = {"y", "x"};
  EXPECT_EQ(canonical_options(analysis, args), R"({"--a":["y","x"],"--b":["8"]})");
}

TEST_F(StudyTest, AQuestionThatThisProgramCannotAskSaysSo) {
  auto access = open();
  const auto unknown = ask_again(*access, {"no-such-analysis", "", ""});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  for (const char* strange : {"[", "[]", "{\"--each\":1}", "{\"--each\":[1]}"}) {
    const auto refused = ask_again(*access, {"timing", "", strange});
    ASSERT_FALSE(refused) << strange;
    EXPECT_EQ(refused.error().code, Code::kUnsupported);
  }
}

}  // namespace
}  // namespace casebox::tools
