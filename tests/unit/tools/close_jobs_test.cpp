#include "tools/close_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "analytics/jobs/jobs.h"
#include "tests/support/review_store.h"
#include "tools/findings.h"
#include "tools/live_store.h"
#include "tools/study.h"

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

class CloseJobsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.store = store_.dir();
    options.write = true;
    auto access = StoreAccess::open(options);
    ASSERT_TRUE(access) << access.error().message;
    access_ = std::move(*access);
  }
  /// Records a case into the spool and takes it in.
  CaseId stored(const testing::ReviewCase& what = {}) {
    const CaseId id = store_.record(what, spool());
    auto drained = access_->drain({spool()});
    EXPECT_TRUE(drained);
    EXPECT_EQ(drained->closed, std::vector<CaseId>{id});
    return id;
  }
  static size_t run_all(CloseJobs& jobs) {
    size_t n = 0;
    for (auto more = jobs.step(); more && *more; more = jobs.step()) ++n;
    return n;
  }
  std::filesystem::path spool() const { return store_.temp() / "spool"; }

  testing::ReviewStore store_;
  std::unique_ptr<StoreAccess> access_;
};

TEST_F(CloseJobsTest, EveryJobOfAClosedCaseLeavesItsFindingsInTheStore) {
  const CaseId id = stored();
  CloseJobs jobs(*access_);
  jobs.add(id);
  jobs.add(id);
  EXPECT_EQ(run_all(jobs), 1u);
  EXPECT_TRUE(outcomes(*access_, id).empty());  // in the log; the bus brings them
  ASSERT_TRUE(access_->drain());
  std::vector<std::string> ran;
  for (const auto& [job, outcome] : outcomes(*access_, id)) ran.push_back(job);
  auto all = analytics::jobs::names();
  std::ranges::sort(all);
  EXPECT_THAT(ran, ElementsAreArray(all));
  EXPECT_EQ(jobs.state().analysed, 1u);
  EXPECT_EQ(jobs.state().failed, 0u);
}

TEST_F(CloseJobsTest, WhatClosedWhileNobodyLookedIsCaughtUpOnOnce) {
  const CaseId id = stored();
  {
    CloseJobs jobs(*access_);
    ASSERT_TRUE(jobs.catch_up());
    EXPECT_TRUE(jobs.waiting());
    EXPECT_EQ(run_all(jobs), 1u);
  }
  CloseJobs logged(*access_);  // restarted before the bus brought it back
  ASSERT_TRUE(logged.catch_up());
  EXPECT_FALSE(logged.waiting());
  const auto drained = access_->drain();
  ASSERT_TRUE(drained);
  EXPECT_GT(drained->frames, 0u);
  EXPECT_TRUE(drained->closed.empty()) << "derived records started something";
  CloseJobs in_store(*access_);
  ASSERT_TRUE(in_store.catch_up());
  EXPECT_FALSE(in_store.waiting());
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
  CloseJobs before(*access_);
  ASSERT_TRUE(before.catch_up());
  EXPECT_TRUE(before.waiting());
  ASSERT_TRUE(access_->drain());
  CloseJobs jobs(*access_);
  ASSERT_TRUE(jobs.catch_up());
  EXPECT_EQ(run_all(jobs), 1u);
}

TEST_F(CloseJobsTest, AJobThatFailsIsSaidAndTakesNoOtherAlong) {
  testing::ReviewCase bad;
  bad.bad_forecasts = true;
  const CaseId broken = stored(bad), good = stored();
  CloseJobs jobs(*access_);
  jobs.add(broken);
  jobs.add(good);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run_all(jobs), 2u);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(said, "casebox: case " + to_string(broken) +
                      ": job twin failed (corrupt); casebox analyze twin --case says why\n");
  EXPECT_EQ(jobs.state().analysed, 2u);
  EXPECT_EQ(jobs.state().failed, 1u);
  ASSERT_TRUE(access_->drain());
  const auto of_broken = outcomes(*access_, broken);
  EXPECT_EQ(of_broken.at("twin"), "failed");
  EXPECT_EQ(of_broken.at("quality"), "ran");
  EXPECT_EQ(of_broken.at("timing"), "ran");
  EXPECT_EQ(outcomes(*access_, good).at("twin"), "ran");
  CloseJobs later(*access_);  // not tried again for ever
  ASSERT_TRUE(later.catch_up());
  EXPECT_FALSE(later.waiting());
}

TEST_F(CloseJobsTest, ACaseThatNoKeyOpensIsSaidOnceAndHoldsNothingUp) {
  const CaseId sealed = stored(), good = stored();
  const auto record = **access_->store().find_case(sealed);
  std::filesystem::remove(store_.dir() / "keys" / "cases" /
                          (to_hex(record.case_public_key()) + ".key"));
  CloseJobs jobs(*access_);
  jobs.add(sealed);
  jobs.add(good);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run_all(jobs), 2u);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "casebox: case " + to_string(sealed) +
                ": its jobs could not be run (not-found); casebox analyze --case\n");
  EXPECT_EQ(jobs.state().analysed, 1u);
  EXPECT_EQ(jobs.state().failed, 1u);
  CloseJobs later(*access_);
  ASSERT_TRUE(later.catch_up());
  EXPECT_TRUE(later.waiting());  // a key may have come
}

TEST_F(CloseJobsTest, AStudyStartsNothing) {
  StudyAnswer answer;
  answer.cohort.push_back({CaseId{{1}}, {}, {}});
  const auto study = write_study(*access_, {"test", "", ""}, answer);
  ASSERT_TRUE(study);
  CloseJobs jobs(*access_);
  ASSERT_TRUE(jobs.catch_up());
  EXPECT_FALSE(jobs.waiting());
  EXPECT_EQ((**access_->store().find_case(study->study_id)).state(), v1::CASE_STATE_CLOSED);
}

template <typename Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 600 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return condition();
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
  EXPECT_TRUE(soon([&] { return whole(missed) && whole(id); }));
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
