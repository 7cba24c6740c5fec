#include "tools/findings/close_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "analytics/jobs/jobs.h"
#include "tests/support/review_store.h"
#include "tools/findings/findings.h"
#include "tools/findings/live_store.h"
#include "tools/findings/study.h"

namespace casebox::tools {
namespace {

using ::testing::ElementsAreArray;

/// Outcome of each job by its run record in force.
std::map<std::string, std::string> outcomes(StoreAccess& access, CaseId id) {
  auto reader =
      storage::CaseReader::open(access.store(), id, access.keyring(), keyring::Purpose::kView);
  EXPECT_TRUE(reader);
  auto found = read_findings(**reader);
  EXPECT_TRUE(found) << found.error().message;
  std::map<std::string, std::string> out;
  if (!found) return out;
  for (const v1::Finding& one : found->in_force)
    if (one.kind() == analytics::finding::kRunKind)
      out[one.run().job()] = one.labels().at("outcome");
  return out;
}

template <typename Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 600 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return condition();
}

class CloseJobsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.store = store_.dir();
    options.write = true;
    auto access = StoreAccess::open(options);
    ASSERT_TRUE(access) << access.error().message;
    access_ = std::move(*access);
    ASSERT_TRUE(access_->keystore()->signing_key("analysis"));  // enrolled, and that is said
  }
  /// Records a case into the spool and takes it in.
  CaseId stored(const testing::ReviewCase& what = {}) {
    const CaseId id = store_.record(what, spool());
    auto drained = access_->drain({spool()});
    EXPECT_TRUE(drained);
    EXPECT_EQ(drained->closed, std::vector<CaseId>{id});
    return id;
  }
  /// What a start finds to do, done; and then what is added.
  CloseJobs::State ran(const std::vector<CaseId>& added = {}) {
    auto jobs = CloseJobs::start(*access_);
    EXPECT_TRUE(jobs) << jobs.error().message;
    EXPECT_TRUE(soon([&] { return !(*jobs)->busy(); }));
    for (CaseId id : added) (*jobs)->add(id);
    EXPECT_TRUE(soon([&] { return !(*jobs)->busy(); }));
    (*jobs)->stop();
    return (*jobs)->state();
  }
  std::filesystem::path spool() const { return store_.temp() / "spool"; }

  testing::ReviewStore store_;
  std::unique_ptr<StoreAccess> access_;
};

TEST_F(CloseJobsTest, EveryJobOfAClosedCaseLeavesItsFindingsInTheStore) {
  auto jobs = CloseJobs::start(*access_);
  ASSERT_TRUE(jobs);
  const CaseId id = stored();
  (*jobs)->add(id);
  EXPECT_TRUE(soon([&] { return !(*jobs)->busy(); }));
  EXPECT_TRUE(outcomes(*access_, id).empty());  // in the log; the bus brings them
  ASSERT_TRUE(access_->drain());
  std::vector<std::string> jobs_run;
  for (const auto& [job, outcome] : outcomes(*access_, id)) jobs_run.push_back(job);
  auto all = analytics::jobs::names();
  std::ranges::sort(all);
  EXPECT_THAT(jobs_run, ElementsAreArray(all));
  EXPECT_EQ((*jobs)->state().analysed, 1u);
  EXPECT_EQ((*jobs)->state().failed, 0u);
  (*jobs)->add(id);  // closed anew, say: the same findings are not written again
  EXPECT_TRUE(soon([&] { return !(*jobs)->busy(); }));
  EXPECT_EQ(access_->drain()->frames, 0u);
}

TEST_F(CloseJobsTest, WhatClosedWhileNobodyLookedIsCaughtUpOnOnce) {
  const CaseId id = stored();
  EXPECT_EQ(ran().analysed, 1u);
  EXPECT_EQ(ran().analysed, 0u);  // restarted before the bus brought it back
  const auto drained = access_->drain();
  ASSERT_TRUE(drained);
  EXPECT_GT(drained->frames, 0u);
  EXPECT_TRUE(drained->closed.empty()) << "derived records started something";
  EXPECT_EQ(ran().analysed, 0u);
  EXPECT_EQ((**access_->store().find_case(id)).epochs_size(), 2);
}

TEST_F(CloseJobsTest, ARunThatACrashCutOffIsDoneAgain) {
  const CaseId id = stored();
  {
    auto log = access_->open_log("analysis");
    ASSERT_TRUE(log);
    auto half = access_->begin_derived(**log, "analysis", id, v1::PRODUCER_ROLE_ANALYSIS);
    ASSERT_TRUE(half);
    ASSERT_TRUE((*log)->sync());
  }
  ASSERT_TRUE(access_->open_log("analysis"));  // finishes the epoch
  ASSERT_TRUE(access_->drain());
  EXPECT_EQ(ran().analysed, 1u);
  EXPECT_EQ(ran().analysed, 0u);
}

TEST_F(CloseJobsTest, AJobThatFailsIsSaidAndTakesNoOtherAlong) {
  testing::ReviewCase bad;
  bad.bad_forecasts = true;
  const CaseId broken = stored(bad), good = stored();
  ::testing::internal::CaptureStderr();
  const auto state = ran();
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(said, "casebox: case " + to_string(broken) +
                      ": job twin failed (corrupt); casebox analyze twin --case says why\n");
  EXPECT_EQ(state.analysed, 2u);
  EXPECT_EQ(state.failed, 1u);
  ASSERT_TRUE(access_->drain());
  const auto of_broken = outcomes(*access_, broken);
  EXPECT_EQ(of_broken.at("twin"), "failed");
  EXPECT_EQ(of_broken.at("quality"), "ran");
  EXPECT_EQ(of_broken.at("timing"), "ran");
  EXPECT_EQ(outcomes(*access_, good).at("twin"), "ran");
  EXPECT_EQ(ran().analysed, 0u);  // not tried again for ever
}

TEST_F(CloseJobsTest, ACaseThatNoKeyOpensIsSaidOnceAndHoldsNothingUp) {
  const CaseId sealed = stored(), good = stored();
  const auto key = store_.dir() / "keys" / "cases" /
                   (to_hex((**access_->store().find_case(sealed)).case_public_key()) + ".key");
  std::filesystem::rename(key, store_.temp() / "key");
  ::testing::internal::CaptureStderr();
  const auto state = ran();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "casebox: case " + to_string(sealed) +
                ": its jobs could not be run (not-found); casebox analyze --case\n");
  EXPECT_EQ(state.analysed, 1u);
  EXPECT_EQ(state.failed, 1u);
  ASSERT_TRUE(access_->drain());
  EXPECT_EQ(outcomes(*access_, good).size(), analytics::jobs::names().size());
  std::filesystem::rename(store_.temp() / "key", key);
  EXPECT_EQ(ran().analysed, 1u);  // the key came
}

TEST_F(CloseJobsTest, WithoutAKeystoreItSaysSoAtTheStart) {
  std::filesystem::rename(store_.dir() / "keys", store_.temp() / "elsewhere");
  const auto refused = CloseJobs::start(*access_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);
}

TEST_F(CloseJobsTest, AStudyStartsNothing) {
  StudyAnswer answer;
  answer.cohort.push_back({CaseId{{1}}, {}, {}});
  const auto study = write_study(*access_, {"test", "", ""}, answer);
  ASSERT_TRUE(study);
  EXPECT_EQ(ran().analysed, 0u);
  EXPECT_EQ((**access_->store().find_case(study->study_id)).state(), v1::CASE_STATE_CLOSED);
}

TEST_F(CloseJobsTest, ALiveStoreAnalysesWhatIsRecordedWhileItRuns) {
  const CaseId missed = stored();  // closed, but nobody looked
  auto live = LiveStore::start(*access_, {spool()});
  const CaseId id = store_.record({}, spool());
  const auto whole = [&](CaseId of) {
    const auto record = access_->store().find_case(of);
    if (!record || !*record || (**record).epochs_size() != 2) return false;
    return (**record).epochs(1).closed();
  };
  EXPECT_TRUE(soon([&] { return whole(missed) && whole(id) && live->state().analysed == 2; }));
  EXPECT_EQ(live->state().analysed, 2u);
  EXPECT_EQ(live->state().failed, 0u);
  EXPECT_EQ(live->state().trouble, "");
  EXPECT_GT(live->state().frames, 0u);
  live.reset();
  EXPECT_EQ(outcomes(*access_, id).size(), analytics::jobs::names().size());
  EXPECT_EQ(outcomes(*access_, missed).size(), analytics::jobs::names().size());
}

}  // namespace
}  // namespace casebox::tools
