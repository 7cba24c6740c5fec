#include "recorder/session.h"

#include "tests/unit/recorder/recording_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::SessionTest;

TEST_F(SessionTest, RunsThatJoinBecomeOneFrameAndAHoleEndsIt) {
  begin(kImportLimits);
  auto source = session_->add_source("m", {wave("m.x", 100)});
  ASSERT_TRUE(source);
  const int64_t step = 10'000'000;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(session_->take(*source, run(CaseTime{i * 100 * step}, 100, step)));
  ASSERT_TRUE(session_->take(*source, run(CaseTime{900 * step}, 100, step)));
  ASSERT_TRUE(session_->close(CaseTime{1000 * step}));
  EXPECT_EQ(count("m.x").stored, 400u);
  EXPECT_EQ(session_->frames(), 2u);
}

TEST_F(SessionTest, TheBooksBalanceWhateverIsLost) {
  begin();
  auto source = session_->add_source("m", {wave("m.x", 100), events("m.e")});
  ASSERT_TRUE(source);
  const int64_t step = 10'000'000;
  ASSERT_TRUE(session_->take(*source, run(CaseTime{0}, 100, step)));
  ASSERT_TRUE(session_->drop(*source, run(CaseTime{100 * step}, 50, step), v1::Gap::ORIGIN_QUEUE,
                             "queue-full"));
  ASSERT_TRUE(session_->drop(*source, run(CaseTime{150 * step}, 50, step), v1::Gap::ORIGIN_QUEUE,
                             "queue-full"));
  EXPECT_TRUE(session_->balances());
  ASSERT_TRUE(session_->take(*source, run(CaseTime{200 * step}, 30, step)));
  EXPECT_EQ(count("m.x").in_ring, 30u);
  EXPECT_TRUE(session_->balances());
  Item e = event(CaseTime{1}, "cut");
  e.stream = 1;
  ASSERT_TRUE(session_->take(*source, std::move(e)));
  ASSERT_TRUE(
      session_->interrupted(*source, v1::Gap::ORIGIN_SOURCE, "disconnected", CaseTime{400 * step}));
  ASSERT_TRUE(session_->close(CaseTime{400 * step}));
  EXPECT_TRUE(session_->balances());
  const StreamCount x = count("m.x");
  EXPECT_EQ(x.received, 230u);
  EXPECT_EQ(x.stored, 130u);
  EXPECT_EQ(x.missing, 100u);
  EXPECT_EQ(x.gap_frames, 2u) << "what was dropped in one go is one gap";
  EXPECT_EQ(x.unknown_gaps, 1u);
  EXPECT_EQ(count("m.e").stored, 1u);
  auto reports = verify::verify_log((dir_.path() / "log").string(), {});
  ASSERT_TRUE(reports) << reports.error().message;
  EXPECT_EQ(reports->at(0).verdict, verify::Verdict::kCompleteWithDeclaredGaps);
  for (const auto& stream : reports->at(0).streams)
    if (stream.name == "m.x") {
      EXPECT_EQ(stream.items + stream.missing, x.received);
    }
}

TEST_F(SessionTest, AReturningSourceKeepsItsStreamAndNumbers) {
  begin();
  auto first = session_->add_source("m", {wave("m.x", 100)});
  ASSERT_TRUE(session_->take(*first, run(CaseTime{0}, 10, 10'000'000)));
  auto again = session_->add_source("m", {wave("m.x", 100)});
  ASSERT_TRUE(again);
  EXPECT_EQ(*first, *again);
  ASSERT_TRUE(session_->take(*again, run(CaseTime{5'000'000'000}, 10, 10'000'000)));
  ASSERT_TRUE(session_->close(CaseTime{6'000'000'000}));
  EXPECT_EQ(count("m.x").stored, 20u);
  EXPECT_FALSE(session_->add_source("other", {wave("m.x", 100)})) << "a name is taken once";
}

TEST_F(SessionTest, AClockThatWasSetGetsANewId) {
  begin();
  auto source = session_->add_source("m", {wave("m.x", 100)});
  ClockState state{1, 5, 0, 1000, 0, false};
  ASSERT_TRUE(session_->clocks(*source, {state}, CaseTime{0}));
  const uint32_t before = session_->stream(*source, 0).clock_id();
  state.resets = 1;
  ASSERT_TRUE(session_->clocks(*source, {state}, CaseTime{1'000'000'000}));
  EXPECT_NE(session_->stream(*source, 0).clock_id(), before);
  ASSERT_TRUE(session_->tick(CaseTime{2'000'000'000}));
  ASSERT_TRUE(session_->close(CaseTime{2'000'000'000}));
}

TEST_F(SessionTest, APacketTooLargeForAFrameBecomesPartsThatEachTakeANumber) {
  begin();
  v1::Stream video;
  video.set_name("scope.video");
  video.set_kind(v1::STREAM_KIND_VIDEO);
  video.set_stream_class(v1::STREAM_CLASS_C);
  auto source = session_->add_source("scope", {video});
  Item item;
  Fragment fragment;
  fragment.sync = true;
  fragment.media.set_cmaf(Bytes(2'000'000, 'x'));
  fragment.media.add_packets()->set_size(2'000'000);
  item.count = 3;  // 768 KiB each at most
  item.duration = milliseconds(40);
  item.what = std::move(fragment);
  ASSERT_TRUE(session_->take(*source, std::move(item)));
  ASSERT_TRUE(session_->close(CaseTime{1}));
  EXPECT_EQ(count("scope.video").stored, 3u);
  EXPECT_EQ(session_->frames(), 3u);
  EXPECT_TRUE(session_->balances());
}

TEST_F(SessionTest, ATimeThatJumpsByYearsDoesNotBeatForYears) {
  begin();
  auto source = session_->add_source("m", {events("m.e")});
  ASSERT_TRUE(session_->take(*source, event(CaseTime{0}, "a")));
  ASSERT_TRUE(session_->tick(CaseTime{INT64_MAX / 4}));
  ASSERT_TRUE(session_->close(CaseTime{INT64_MAX / 4}));
  auto reports = verify::verify_log((dir_.path() / "log").string(), {});
  ASSERT_TRUE(reports);
  EXPECT_LT(reports->at(0).frames, 10'000u);
}

}  // namespace
}  // namespace casebox::recorder
