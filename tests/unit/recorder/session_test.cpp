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
  ASSERT_TRUE(session_->away(*source, v1::Gap::ORIGIN_SOURCE, "disconnected"));
  ASSERT_TRUE(session_->close(CaseTime{400 * step}));
  EXPECT_TRUE(session_->balances());
  const StreamCount x = count("m.x");
  EXPECT_EQ(x.received, 230u);
  EXPECT_EQ(x.stored, 130u);
  EXPECT_EQ(x.missing, 100u);
  EXPECT_EQ(x.gap_frames, 2u) << "what was dropped in one go is one gap";
  EXPECT_EQ(x.unknown_gaps, 1u);
  EXPECT_EQ(count("m.e").stored, 1u);
  const auto losses = session_->losses();
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_EQ(losses[0].reason, "queue-full");
  EXPECT_EQ(losses[0].missing, 100u);
  EXPECT_EQ(losses[1].reason, "disconnected");
  EXPECT_EQ(losses[1].stream, "m.x");
  EXPECT_EQ(losses[2].stream, "m.e");
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

/// The gaps of a closed session's log, by the true name of their stream where it is a known word.
std::vector<std::pair<std::string, v1::Gap>> gaps_of(const std::filesystem::path& dir) {
  std::vector<std::pair<std::string, v1::Gap>> out;
  std::map<uint32_t, std::string> names;
  auto reader = log::Reader::open(dir, {}, {});
  EXPECT_TRUE(reader);
  for (auto entry = (*reader)->next(); entry && *entry; entry = (*reader)->next()) {
    const frame::View& frame = (*entry)->frame;
    if (frame.header.kind == frame::Kind::kStream) {
      v1::Stream stream;
      EXPECT_TRUE(stream.ParseFromString(Bytes(frame.body)));
      names[stream.stream_id()] = stream.name();
    }
    if (frame.header.kind != frame::Kind::kGap) continue;
    v1::Gap gap;
    EXPECT_TRUE(gap.ParseFromString(Bytes(frame.body)));
    out.emplace_back(names[frame.header.stream.value], gap);
  }
  return out;
}

v1::SourceConfig camera() {
  v1::SourceConfig config;
  config.set_name("scope");
  config.set_type("media");
  return config;
}

v1::Stream video() {
  v1::Stream stream;
  stream.set_name("scope.video");
  stream.set_kind(v1::STREAM_KIND_VIDEO);
  stream.set_stream_class(v1::STREAM_CLASS_C);
  stream.set_clock_id(1);
  return stream;
}

Item picture(int64_t ms, int64_t length_ms = 40) {
  Item item;
  Fragment fragment;
  fragment.sync = true;
  fragment.media.set_cmaf("x");
  fragment.media.add_packets()->set_size(1);
  item.t = item.arrival = CaseTime{ms * 1'000'000};
  item.duration = milliseconds(length_ms);
  item.what = std::move(fragment);
  return item;
}

TEST_F(SessionTest, ASourceThatNeverDeliversIsAGapOverTheWholeCaseUnderItsName) {
  begin();
  const size_t source = session_->expect(camera());
  ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-absent"));
  ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-absent"));
  ASSERT_TRUE(session_->close(CaseTime{9'000'000'000}));
  const auto gaps = gaps_of(dir_.path() / "log");
  ASSERT_EQ(gaps.size(), 1u) << "tried twice, absent once";
  EXPECT_EQ(gaps[0].first, "scope.video");
  EXPECT_EQ(gaps[0].second.reason(), "source-absent");
  EXPECT_TRUE(gaps[0].second.count_unknown());
  EXPECT_EQ(gaps[0].second.t_begin_ns(), 0);
  EXPECT_EQ(gaps[0].second.t_end_ns(), 9'000'000'000);
  auto reports = verify::verify_log((dir_.path() / "log").string(), {});
  ASSERT_TRUE(reports);
  EXPECT_EQ(reports->at(0).verdict, verify::Verdict::kCompleteWithDeclaredGaps);
}

TEST_F(SessionTest, ASourceThatComesLateTakesOverTheStreamThatStoodForIt) {
  begin();
  const size_t source = session_->expect(camera());
  ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-absent"));
  ASSERT_TRUE(session_->add_source("scope", {video()}, true, CaseTime{4'900'000'000}));
  ASSERT_TRUE(session_->take(source, picture(5000)));
  ASSERT_TRUE(session_->close(CaseTime{5'040'000'000}));
  EXPECT_EQ(count("scope.video").stored, 1u);
  EXPECT_EQ(session_->counts().size(), 1u) << "one stream, not two";
  const auto gaps = gaps_of(dir_.path() / "log");
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].second.t_begin_ns(), 0);
  EXPECT_EQ(gaps[0].second.t_end_ns(), 5'000'000'000) << "where its first picture begins";
}

TEST_F(SessionTest, AnOutageRunsFromTheEndOfTheLastItemToTheNextOneOrTheEndOfTheCase) {
  begin();
  const size_t source = session_->expect(camera());
  ASSERT_TRUE(session_->add_source("scope", {video()}, true));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(session_->take(source, picture(40 * i)));
  ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "disconnected"));
  ASSERT_TRUE(session_->add_source("scope", {video()}, true, CaseTime{7'000'000'000}));
  ASSERT_TRUE(session_->take(source, picture(7500)));
  ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "disconnected"));
  ASSERT_TRUE(session_->close(CaseTime{60'000'000'000}));
  const auto gaps = gaps_of(dir_.path() / "log");
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].second.t_begin_ns(), 400'000'000);
  EXPECT_EQ(gaps[0].second.t_end_ns(), 7'500'000'000);
  EXPECT_EQ(gaps[1].second.t_begin_ns(), 7'540'000'000);
  EXPECT_EQ(gaps[1].second.t_end_ns(), 60'000'000'000);
}

TEST_F(SessionTest, ALiveStreamThatFallsSilentIsAGapAndASlowOneIsNot) {
  begin();
  const size_t source = session_->expect(camera());
  ASSERT_TRUE(session_->add_source("scope", {video()}, true));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(session_->take(source, picture(40 * i)));
  ASSERT_TRUE(session_->take(source, picture(5000)));
  ASSERT_TRUE(session_->close(CaseTime{9'000'000'000}));
  const auto gaps = gaps_of(dir_.path() / "log");
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].second.reason(), "silent");
  EXPECT_EQ(gaps[0].second.t_begin_ns(), 2'000'000'000);
  EXPECT_EQ(gaps[0].second.t_end_ns(), 5'000'000'000);
  EXPECT_EQ(gaps[1].second.t_begin_ns(), 5'040'000'000);
  EXPECT_EQ(gaps[1].second.t_end_ns(), 9'000'000'000);
}

TEST_F(SessionTest, ASourceThatOpensAndHoldsNothingIsAGapUnlessPolicyLeavesItOut) {
  begin();
  v1::Stream sound;
  sound.set_name("scope.audio");
  sound.set_kind(v1::STREAM_KIND_AUDIO);
  sound.set_by_policy_absent(true);
  sound.set_policy_reason("audio-not-recorded");
  ASSERT_TRUE(session_->add_source("scope", {sound}));
  ASSERT_TRUE(session_->add_source("m", {wave("m.x", 100), events("m.e")}));
  ASSERT_TRUE(session_->add_source("n", {wave("n.x", 100), events("n.e")}));
  ASSERT_TRUE(session_->take(2, run(CaseTime{0}, 10, 10'000'000)));
  ASSERT_TRUE(session_->close(CaseTime{1'000'000'000}));
  EXPECT_EQ(count("m.x").unknown_gaps, 1u);
  EXPECT_EQ(count("m.e").unknown_gaps, 1u);
  EXPECT_EQ(count("n.x").gap_frames + count("n.e").gap_frames, 0u) << "events come when they come";
  EXPECT_EQ(count("scope.audio").gap_frames, 0u);
}

TEST_F(SessionTest, ASlowBeginningIsNoOutageUnlessItLasts) {
  for (const int64_t first_ms : {900, 3000}) {
    const auto log = dir_.path() / "log";
    std::filesystem::remove_all(log);
    std::filesystem::remove_all(dir_.path() / "keys");
    begin();
    const size_t source = session_->expect(camera());
    ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-absent", false));
    ASSERT_TRUE(session_->add_source("scope", {video()}, true, CaseTime{2'000'000'000}));
    ASSERT_TRUE(session_->take(source, picture(first_ms)));
    ASSERT_TRUE(session_->close(CaseTime{3'500'000'000}));
    size_t absent = 0;
    for (const auto& [name, gap] : gaps_of(log)) absent += gap.reason() == "source-absent" ? 1 : 0;
    EXPECT_EQ(absent, first_ms == 900 ? 0u : 1u);
  }
}

TEST_F(SessionTest, APictureASecondIsNoSilence) {
  begin();
  const size_t source = session_->expect(camera());
  ASSERT_TRUE(session_->add_source("scope", {video()}, true));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(session_->take(source, picture(1000 * i)));
  ASSERT_TRUE(session_->close(CaseTime{20'900'000'000}));
  EXPECT_TRUE(gaps_of(dir_.path() / "log").empty());
}

TEST_F(SessionTest, WhatASourceStandsInForIsNotTakenFromAnother) {
  begin();
  ASSERT_TRUE(session_->add_source("other", {video()}));
  ASSERT_TRUE(session_->take(0, picture(0)));
  const size_t source = session_->expect(camera());
  EXPECT_FALSE(session_->add_source("scope", {video()}));
  ASSERT_TRUE(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-refused"));
  ASSERT_TRUE(session_->close(CaseTime{1'000'000'000}));
  const auto gaps = gaps_of(dir_.path() / "log");
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].first, "scope.video2");
}

}  // namespace
}  // namespace casebox::recorder
