// The event log of a case recorded by the real producer and read back from a store.

#include "analytics/case_log/case_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/bus/log_bus.h"
#include "ingest/ingest.h"
#include "tests/support/recording.h"

namespace casebox::analytics::case_log {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kSecond = 1'000'000'000;

class CaseLogTest : public ::testing::Test {
 protected:
  CaseLogTest()
      : dir_(fs::temp_directory_path() / ("casebox-case-log-" + to_string(random_id<CaseId>()))) {
    fs::create_directories(dir_);
    recording_ = std::make_unique<casebox::testing::Recording>(dir_);
    team_ = add("team.tablet", v1::STREAM_KIND_TEAM);
    device_ = add("instrument.use", v1::STREAM_KIND_DEVICE);
    phase_ = add("annotation.phases", v1::STREAM_KIND_PHASE);
  }
  ~CaseLogTest() override {
    reader_.reset();
    store_.reset();
    fs::remove_all(dir_);
  }

  StreamId add(const std::string& name, v1::StreamKind kind) {
    v1::Stream stream;
    stream.set_name(name);
    stream.set_kind(kind);
    return *recording_->producer->add_stream(stream);
  }
  void put(StreamId stream, int64_t t_s, const v1::Event& event, uint32_t u95_us = 1000) {
    producer::Data data;
    data.stream = stream;
    data.t = CaseTime{t_s * kSecond};
    data.u95_us = u95_us;
    v1::EventBatch batch;
    *batch.add_events() = event;
    ASSERT_TRUE(recording_->producer->append(data, batch));
  }
  void mark(int64_t t_s, const std::string& code, const std::string& label = "",
            const std::string& reason = "") {
    v1::Event event;
    event.mutable_mark()->set_code(code);
    event.mutable_mark()->set_label(label);
    event.mutable_mark()->set_reason(reason);
    put(team_, t_s, event);
  }
  void device(int64_t t_s, bool on) {
    v1::Event event;
    event.mutable_device()->set_code("instrument.Hook");
    event.mutable_device()->set_on(on);
    put(device_, t_s, event);
  }
  void phase(int64_t t_s, int64_t length_s, const std::string& label, uint32_t u95_us = 1000) {
    v1::Event event;
    event.mutable_interval()->set_label(label);
    event.mutable_interval()->set_level(v1::Interval::LEVEL_PHASE);
    event.mutable_interval()->set_duration_ns(length_s < 0 ? -1 : length_s * kSecond);
    put(phase_, t_s, event, u95_us);
  }

  CaseLog build(Options options = {}) {
    recording_->second = 100;
    recording_->gap(5);
    recording_->close();
    EXPECT_TRUE(recording_->ok);
    storage::Options how;
    how.create = true;
    store_ = *storage::Store::open(dir_ / "store", how);
    keyring_ = std::make_unique<keyring::Keyring>(recording_->keystore.get(), "test");
    auto subscriber = *bus::LogSubscriber::open({recording_->dir});
    const auto trust = *recording_->keystore->trust();
    auto loop = *ingest::Ingest::open(*subscriber, *store_, trust, recording_->clock);
    EXPECT_TRUE(loop->drain(milliseconds(10)));
    reader_ = *storage::CaseReader::open(*store_, recording_->case_id, *keyring_,
                                         keyring::Purpose::kAnalysis);
    auto made = add_case(*reader_, options, log_);
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  std::vector<std::string> activities() const {
    std::vector<std::string> out;
    for (const LogEvent& event : log_.traces[0].events)
      out.push_back(log_.activities[event.activity]);
    return out;
  }
  const LogEvent& event(size_t i) const { return log_.traces[0].events[i]; }

  fs::path dir_;
  std::unique_ptr<casebox::testing::Recording> recording_;
  std::unique_ptr<keyring::Keyring> keyring_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<storage::CaseReader> reader_;
  StreamId team_, device_, phase_;
  EventLog log_;
};

TEST_F(CaseLogTest, PairsMarksOfPhasesAndLeavesOpenWhatNeverEnded) {
  mark(10, "phase.begin", "a");
  mark(30, "phase.end", "a");
  mark(30, "phase.begin", "b");
  const CaseLog made = build();
  EXPECT_EQ(made.phase_source, "marked");
  ASSERT_THAT(activities(), ::testing::ElementsAre("a", "b"));
  EXPECT_EQ(event(0).t1_ns, 30 * kSecond);
  EXPECT_FALSE(event(0).open);
  EXPECT_THAT(event(0).sources, ::testing::SizeIs(2));
  EXPECT_TRUE(event(1).open);
  EXPECT_THAT(log_.traces[0].notices, ::testing::Contains("b: never ended"));
}

TEST_F(CaseLogTest, PrefersAnnotationsToFoundPhasesAndThoseToMarks) {
  mark(10, "phase.begin", "marked");
  mark(20, "phase.end", "marked");
  phase(11, 9, "annotated");
  Options options;
  options.found = {{"found", 12 * kSecond, 19 * kSecond, 0, {}}};
  EXPECT_EQ(build(options).phase_source, "annotated");
  EXPECT_THAT(activities(), ::testing::ElementsAre("annotated"));
}

TEST_F(CaseLogTest, UsesFoundPhasesRatherThanMarks) {
  mark(10, "phase.begin", "marked");
  mark(20, "phase.end", "marked");
  Options options;
  options.found = {{"found", 12 * kSecond, 19 * kSecond, 0, {}}};
  EXPECT_EQ(build(options).phase_source, "found");
  EXPECT_THAT(activities(), ::testing::ElementsAre("found"));
}

TEST_F(CaseLogTest, TakesStepsAndKeepsReasonsApart) {
  mark(5, "time-out");
  mark(50, "step.done", "critical-view-of-safety");
  mark(60, "reason", "drain-placement", "bile-leak");
  Options options;
  options.steps = true;
  const CaseLog made = build(options);
  EXPECT_THAT(activities(), ::testing::ElementsAre("time-out", "critical-view-of-safety"));
  ASSERT_THAT(made.reasons, ::testing::SizeIs(1));
  EXPECT_EQ(made.reasons[0].step, "drain-placement");
  EXPECT_EQ(made.reasons[0].code, "bile-leak");
}

TEST_F(CaseLogTest, PairsUsesOfDevices) {
  device(10, true);
  device(40, false);
  Options options;
  options.devices = true;
  build(options);
  ASSERT_THAT(activities(), ::testing::ElementsAre("instrument.Hook"));
  EXPECT_EQ(event(0).t1_ns - event(0).t0_ns, 30 * kSecond);
  EXPECT_EQ(event(0).origin, EventOrigin::kDevice);
}

TEST_F(CaseLogTest, AnEndWithoutABoundIsNotTimed) {
  phase(10, 20, "a", frame::kUnknownU95);
  phase(30, -1, "b");
  build();
  ASSERT_THAT(activities(), ::testing::ElementsAre("a", "b"));
  EXPECT_FALSE(event(0).timed);
  EXPECT_TRUE(event(1).timed);
  EXPECT_TRUE(event(1).open);
}

}  // namespace
}  // namespace casebox::analytics::case_log
