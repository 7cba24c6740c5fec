#include "analytics/finding/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casebox::analytics::finding {
namespace {

v1::AnalysisRun run() {
  v1::AnalysisRun out;
  out.set_job("phases");
  out.set_job_version("1");
  out.set_binary("0.1.0");
  return out;
}

Draft draft() {
  Draft out;
  out.kind = "phase";
  out.place = "phase/0";
  out.t0_ns = 5;
  out.t1_ns = 9;
  out.values = {{"start_s", 1.5}, {"end_s", 2.5}, {"a", 0}, {"b", 1}, {"c", 2}};
  out.labels = {{"phase", "Preparation"}};
  v1::SourceRange source;
  source.set_epoch(3);
  source.set_stream_id(2);
  source.set_sha256("x");
  out.sources = {source};
  return out;
}

const CaseId kCase{{1, 2, 3}};

TEST(Finding, TheSameInputsGiveTheSameBytes) {
  const Bytes first = to_bytes(make(kCase, run(), draft()));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(to_bytes(make(kCase, run(), draft())), first);
}

TEST(Finding, TheIdChangesWithJobCasePlaceAndInputs) {
  const std::string id = make(kCase, run(), draft()).id();
  EXPECT_EQ(id.size(), 32u);
  v1::AnalysisRun other_run = run();
  other_run.set_job("timing");
  EXPECT_NE(make(kCase, other_run, draft()).id(), id);
  EXPECT_NE(make(CaseId{{9}}, run(), draft()).id(), id);
  Draft other = draft();
  other.place = "phase/1";
  EXPECT_NE(make(kCase, run(), other).id(), id);
  other = draft();
  other.sources[0].set_sha256("y");
  EXPECT_NE(make(kCase, run(), other).id(), id);
}

TEST(Finding, TheIdOfAStudyChangesWithItsInputsAndTheCasesOfItsSources) {
  const std::string own = make(kCase, run(), draft()).id();
  v1::AnalysisRun study = run();
  study.set_inputs_sha256("a");
  const std::string id = make(kCase, study, draft()).id();
  EXPECT_NE(id, own);
  study.set_inputs_sha256("b");
  EXPECT_NE(make(kCase, study, draft()).id(), id);
  Draft foreign = draft();
  foreign.sources[0].set_case_id(Bytes(16, 'x'));
  const std::string of_x = make(kCase, run(), foreign).id();
  EXPECT_NE(of_x, own);
  foreign.sources[0].set_case_id(Bytes(16, 'y'));
  EXPECT_NE(make(kCase, run(), foreign).id(), of_x);
}

TEST(Finding, TheIdOfACaseIsThatOfTheFirstForm) {
  // Ids are on disk and in reports: what a study adds to them leaves those of cases as they are.
  EXPECT_EQ(to_hex(make(kCase, run(), draft()).id()),
            "2e7cce50ff3d5c196aecd1397b6349bff0d7cb46683a2f86db7c4c7fd7270d44");
}

TEST(Finding, TheIdStaysWithAnotherBuildAndAnotherWayThatTheFramesCame) {
  const std::string id = make(kCase, run(), draft()).id();
  v1::AnalysisRun other_run = run();
  other_run.set_binary("0.2.0");
  Draft other = draft();
  other.sources[0].set_read_from("kafka/x/0");
  EXPECT_EQ(make(kCase, other_run, other).id(), id);
}

TEST(Finding, DifferencesAreNamed) {
  const v1::Finding a = make(kCase, run(), draft());
  EXPECT_TRUE(differences(a, a).empty());
  v1::Finding b = a;
  (*b.mutable_values())["start_s"] = 2;
  (*b.mutable_labels())["new"] = "x";
  b.mutable_run()->set_binary("0.2.0");
  EXPECT_THAT(differences(a, b),
              testing::UnorderedElementsAre("values.start_s", "labels.new", "run.binary"));
  EXPECT_THAT(differences(a, b, false),
              testing::UnorderedElementsAre("values.start_s", "labels.new"));
}

storage::EventAt stored(const v1::Finding& finding, uint64_t epoch, uint64_t number) {
  storage::EventAt out;
  *out.event.mutable_finding() = finding;
  out.source.epoch = Epoch{epoch};
  out.number = ItemNumber{number};
  out.derived = true;
  return out;
}

TEST(Finding, TheNewestRunOfEachJobIsInForce) {
  v1::CaseRecord record;
  for (uint64_t epoch : {77, 11, 42}) {  // arrived in this order
    record.add_epochs()->set_epoch(epoch);
    record.mutable_epochs(record.epochs_size() - 1)
        ->set_index(static_cast<uint32_t>(record.epochs_size() - 1));
  }
  v1::AnalysisRun quality = run();
  quality.set_job("quality");
  Draft old = draft(), fresh = draft(), marker = draft();
  fresh.place = "phase/7";
  marker.kind = kRunKind;
  const auto events = {
      stored(make(kCase, run(), old), 77, 0), stored(make(kCase, quality, old), 77, 1),
      stored(make(kCase, run(), marker), 42, 1), stored(make(kCase, run(), fresh), 42, 0)};
  const auto in_force = current(record, events);
  ASSERT_EQ(in_force.size(), 3u);
  EXPECT_EQ(in_force[0].finding.run().job(), "quality");
  EXPECT_EQ(in_force[1].finding.id(), make(kCase, run(), fresh).id());
  EXPECT_EQ(in_force[2].finding.kind(), kRunKind);
}

TEST(Finding, ARepeatedIdCountsOnce) {
  v1::CaseRecord record;
  record.add_epochs()->set_epoch(5);
  const auto events = {stored(make(kCase, run(), draft()), 5, 0),
                       stored(make(kCase, run(), draft()), 5, 1)};
  EXPECT_EQ(current(record, events).size(), 1u);
}

}  // namespace
}  // namespace casebox::analytics::finding
