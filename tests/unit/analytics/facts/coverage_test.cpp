// What a case's streams watched, of cases recorded by the real producer and read back from a store.

#include "analytics/facts/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/bus/log_bus.h"
#include "ingest/ingest.h"
#include "tests/support/recording.h"

namespace casebox::analytics::facts {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CoverageTest : public ::testing::Test {
 protected:
  /// Another case in the same log, as an import makes one.
  void begin_import() {
    ASSERT_TRUE(recording_.producer->close(CaseTime{recording_.second * kSecond}));
    recording_.case_id = random_id<CaseId>();
    producer::Options options;
    options.case_id = recording_.case_id;
    options.producer_id = recording_.producer_id;
    options.role = v1::PRODUCER_ROLE_IMPORT;
    recording_.case_key = *recording_.keystore->take_case_key();
    options.case_public_key = recording_.case_key.public_key;
    recording_.producer = *producer::Producer::open(
        options, *recording_.keystore->signing_key("import"), *recording_.log, recording_.clock);
  }
  StreamId add(const std::string& name, v1::StreamKind kind, bool absent = false) {
    v1::Stream stream;
    stream.set_name(name);
    stream.set_kind(kind);
    stream.set_by_policy_absent(absent);
    if (absent) stream.set_policy_reason("not-recorded");
    return *recording_.producer->add_stream(stream);
  }
  void put(StreamId stream, int64_t t_ns, const v1::Event& event) {
    producer::Data data;
    data.stream = stream;
    data.t = CaseTime{t_ns};
    v1::EventBatch batch;
    *batch.add_events() = event;
    ASSERT_TRUE(recording_.producer->append(data, batch));
  }
  Coverage read(v1::CloseFrame::Cause cause = v1::CloseFrame::CAUSE_SOURCES_ENDED,
                bool close = true) {
    if (close) {
      EXPECT_TRUE(recording_.producer->close(CaseTime{recording_.second * kSecond}, cause));
    }
    EXPECT_TRUE(recording_.log->sync());
    EXPECT_TRUE(recording_.ok);
    storage::Options how;
    how.create = true;
    auto store = *storage::Store::open(temp_.path() / "store", how);
    keyring::Keyring keyring(recording_.keystore.get(), "test");
    auto subscriber = *bus::LogSubscriber::open({recording_.dir});
    const auto trust = *recording_.keystore->trust();
    auto loop = *ingest::Ingest::open(*subscriber, *store, trust, recording_.clock);
    EXPECT_TRUE(loop->drain(milliseconds(10)));
    auto reader = *storage::CaseReader::open(*store, recording_.case_id, keyring,
                                             keyring::Purpose::kAnalysis);
    auto coverage = read_coverage(*reader);
    EXPECT_TRUE(coverage) << coverage.error().message;
    return *coverage;
  }

  testing::TempDir temp_;
  testing::Recording recording_{temp_.path()};
};

TEST_F(CoverageTest, AStreamOfARecorderWatchesFromItsEpochsBeginningToItsEndButForGaps) {
  recording_.record(10);
  recording_.gap(5);
  recording_.record(10);
  const Coverage coverage = read();
  EXPECT_TRUE(coverage.holds_beginning);
  EXPECT_TRUE(coverage.holds_end);
  const Watch* team = coverage.find("team.marks");
  ASSERT_NE(team, nullptr);
  EXPECT_TRUE(team->people);
  EXPECT_THAT(team->covering(0, 20 * kSecond), IsEmpty());
  EXPECT_THAT(team->covering(-5, -1), SizeIs(1));
  EXPECT_THAT(team->covering(20 * kSecond + 1, 21 * kSecond), SizeIs(1));
  const Watch* wave = coverage.find("monitor.ecg");
  ASSERT_NE(wave, nullptr);
  EXPECT_FALSE(wave->people);
  const auto lapses = wave->covering(0, 20 * kSecond);
  ASSERT_THAT(lapses, SizeIs(1));
  EXPECT_EQ(lapses[0].why, "disconnected");
  EXPECT_EQ(lapses[0].t0_ns, 10 * kSecond);
}

TEST_F(CoverageTest, AStreamThatGaveNothingWatchedNothing) {
  add("tablet.marks", v1::STREAM_KIND_TEAM);
  add("room.audio", v1::STREAM_KIND_AUDIO, true);
  recording_.record(3);
  const Coverage coverage = read();
  for (const auto& [name, why] : {std::pair{"tablet.marks", "it gave nothing in the whole case"},
                                  std::pair{"room.audio", "it is not recorded here by policy"}}) {
    const Watch* watch = coverage.find(name);
    ASSERT_NE(watch, nullptr) << name;
    const auto lapses = watch->covering(kSecond, kSecond);
    ASSERT_THAT(lapses, SizeIs(1)) << name;
    EXPECT_EQ(lapses[0].why, why);
  }
  EXPECT_EQ(coverage.find("scope.audio"), nullptr);
}

TEST_F(CoverageTest, TheEndIsHeldOnlyIfTheSourcesHadEnded) {
  recording_.record(3);
  EXPECT_FALSE(read(v1::CloseFrame::CAUSE_STOPPED).holds_end);
}
TEST_F(CoverageTest, ARecordWhoseSourceWasLostDoesNotHoldTheEnd) {
  recording_.record(3);
  EXPECT_FALSE(read(v1::CloseFrame::CAUSE_SOURCE_LOST).holds_end);
}
TEST_F(CoverageTest, ARecordThatNobodyClosedDoesNotHoldTheEnd) {
  recording_.record(3);
  const Coverage coverage = read(v1::CloseFrame::CAUSE_UNSPECIFIED, false);
  EXPECT_TRUE(coverage.holds_beginning);
  EXPECT_FALSE(coverage.holds_end);
  EXPECT_THAT(coverage.find("team.marks")->covering(4 * kSecond, 5 * kSecond), SizeIs(1));
}

TEST_F(CoverageTest, AnImportIsKnownFromItsFirstItemToTheEndOfItsLast) {
  begin_import();
  const StreamId labels = add("annotation.phases", v1::STREAM_KIND_PHASE);
  v1::Event event;
  event.mutable_interval()->set_label("a");
  event.mutable_interval()->set_level(v1::Interval::LEVEL_PHASE);
  event.mutable_interval()->set_duration_ns(20 * kSecond);
  put(labels, 5 * kSecond, event);
  put(labels, 25 * kSecond, event);
  recording_.second = 60;
  const Coverage coverage = read();
  EXPECT_FALSE(coverage.holds_beginning);
  EXPECT_FALSE(coverage.holds_end);
  const Watch* watch = coverage.find("annotation.phases");
  ASSERT_NE(watch, nullptr);
  EXPECT_TRUE(watch->people);
  EXPECT_THAT(watch->covering(5 * kSecond, 45 * kSecond), IsEmpty());
  EXPECT_THAT(watch->covering(4 * kSecond, 5 * kSecond), SizeIs(1));
  EXPECT_THAT(watch->covering(45 * kSecond, 46 * kSecond), SizeIs(1));
}

TEST_F(CoverageTest, WhatNobodyLabelledNobodyWatched) {
  begin_import();
  const StreamId labels = add("annotation.phases", v1::STREAM_KIND_PHASE);
  v1::Event event;
  event.mutable_interval()->set_label("a");
  event.mutable_interval()->set_level(v1::Interval::LEVEL_PHASE);
  event.mutable_interval()->set_duration_ns(20 * kSecond);
  for (const int64_t t : {0, 21, 60}) put(labels, t * kSecond, event);
  recording_.second = 90;
  const Coverage coverage = read();
  const Watch* watch = coverage.find("annotation.phases");
  ASSERT_NE(watch, nullptr);
  EXPECT_THAT(watch->covering(0, 41 * kSecond), IsEmpty());
  EXPECT_THAT(watch->covering(60 * kSecond, 80 * kSecond), IsEmpty());
  const auto hole = watch->covering(30 * kSecond, 70 * kSecond);
  ASSERT_THAT(hole, SizeIs(1));
  EXPECT_EQ(hole[0].why, "nothing is labelled there");
}

TEST_F(CoverageTest, LabelsThatARecorderReadWatchNoMoreThanTheyLabel) {
  const StreamId labels = add("annotation.phases", v1::STREAM_KIND_PHASE);
  v1::Event event;
  event.mutable_interval()->set_label("a");
  event.mutable_interval()->set_level(v1::Interval::LEVEL_PHASE);
  event.mutable_interval()->set_duration_ns(5 * kSecond);
  put(labels, 5 * kSecond, event);
  recording_.record(30);
  const Coverage coverage = read();
  const Watch* watch = coverage.find("annotation.phases");
  ASSERT_NE(watch, nullptr);
  EXPECT_THAT(watch->covering(5 * kSecond, 10 * kSecond), IsEmpty());
  EXPECT_THAT(watch->covering(12 * kSecond, 20 * kSecond), SizeIs(1));
}

}  // namespace
}  // namespace casebox::analytics::facts
