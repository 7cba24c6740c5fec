#include "analytics/quality/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casebox::analytics::quality {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class Gate : public testing::Test {
 protected:
  Gate() {
    facts_.t1_ns = 1000 * kSecond;
    facts_.streams = {{"annotation.phases", 4, true, {}, {}}, {"monitor.ecg", 1, false, {}, {}}};
    facts_.clocks = {{1, false, 0, {}}, {4, false, 0, {}}};
    phase("a", 0, 100);
    phase("b", 100, 400);
    phase("c", 400, 900);
  }
  LogEvent& phase(const std::string& label, int64_t from_s, int64_t to_s) {
    LogEvent event;
    event.activity = log_.intern(label);
    event.t0_ns = from_s * kSecond;
    event.t1_ns = to_s * kSecond;
    trace_.events.push_back(event);
    return trace_.events.back();
  }
  Verdict verdict() { return check(log_, trace_, facts_, options_); }
  std::vector<std::string> codes() {
    std::vector<std::string> out;
    for (const Issue& issue : verdict().issues) out.push_back(issue.code);
    return out;
  }

  EventLog log_;
  Trace trace_;
  Facts facts_;
  Options options_;
};

TEST_F(Gate, LetsACleanCaseThrough) {
  EXPECT_TRUE(verdict().timing_ok());
  EXPECT_TRUE(verdict().issues.empty());
}

TEST_F(Gate, ABrokenClockTakesAwayOnlyWhatRestsOnIt) {
  facts_.clocks[0].broken = true;
  EXPECT_TRUE(verdict().timing_ok());
  EXPECT_THAT(codes(), testing::ElementsAre("clock-broken"));
  facts_.clocks[1].broken = true;
  EXPECT_FALSE(verdict().timing_ok());
  EXPECT_THAT(verdict().reasons(), testing::ElementsAre(testing::HasSubstr("annotation.phases")));
}

TEST_F(Gate, OnlyNotesAClockThatWasSet) {
  facts_.clocks[0].sets = 1;
  EXPECT_TRUE(verdict().timing_ok());
  EXPECT_THAT(codes(), testing::ElementsAre("clock-set"));
}

TEST_F(Gate, WithholdsTimingOfAnEndWithoutABound) {
  trace_.events[1].timed = false;
  EXPECT_FALSE(verdict().timing_ok());
  EXPECT_THAT(codes(), testing::ElementsAre("unbounded"));
}

TEST_F(Gate, FindsZeroDurationsAndOverlaps) {
  phase("d", 450, 450);
  phase("e", 800, 950);
  EXPECT_THAT(codes(), testing::UnorderedElementsAre("zero-duration", "overlap"));
  EXPECT_FALSE(verdict().timing_ok());
}

// Moments, and intervals side by side, still have times between them; a broken clock leaves none.
TEST_F(Gate, MomentsAreWithheldForTheClockOnly) {
  phase("d", 450, 450);
  phase("e", 800, 950);
  trace_.events[0].timed = false;
  EXPECT_EQ(verdict().reasons().size(), 3u);
  EXPECT_TRUE(verdict().moment_reasons().empty());
  facts_.clocks[1].broken = true;
  EXPECT_THAT(verdict().moment_reasons(),
              testing::ElementsAre(testing::HasSubstr("annotation.phases")));
}

TEST_F(Gate, ToleratesAnOverlapWithinTheUncertainty) {
  trace_.events[1].t1_ns += 3 * kSecond;
  EXPECT_FALSE(verdict().timing_ok());
  trace_.events[1].u95_ns = 3 * kSecond;
  EXPECT_TRUE(verdict().timing_ok());
}

TEST_F(Gate, NotesRepeatsUnknownLabelsAndMissingPhases) {
  options_.labels = {"a", "b", "z"};
  options_.expected = {"a", "z"};
  phase("a", 900, 950);
  EXPECT_TRUE(verdict().timing_ok());
  EXPECT_THAT(codes(), testing::UnorderedElementsAre("missing-phase", "unknown-label", "repeat"));
}

TEST_F(Gate, LooksAtGapsOfNeededStreamsOnly) {
  const storage::Span lost{CaseTime{0}, CaseTime{200 * kSecond}};
  facts_.streams[1].gaps = {lost};
  EXPECT_TRUE(verdict().issues.empty());
  facts_.streams[0].gaps = {lost};
  EXPECT_FALSE(verdict().timing_ok());
  facts_.streams[0].gaps = {{CaseTime{0}, CaseTime{10 * kSecond}}};
  EXPECT_TRUE(verdict().timing_ok());
  EXPECT_THAT(codes(), testing::ElementsAre("gap"));
}

TEST_F(Gate, FindsTheWallClockJumping) {
  facts_.wall = {{0, 0, 1'000, false, {}}, {kSecond, 1'000'000'000, 1'000'001'000, false, {}}};
  EXPECT_TRUE(verdict().timing_ok());
  facts_.wall.push_back({2 * kSecond, 2'000'000'000, 62'000'001'000, false, {}});
  EXPECT_FALSE(verdict().timing_ok());
  EXPECT_THAT(codes(), testing::ElementsAre("wall-jump"));
}

TEST_F(Gate, HasNoTimingWithoutPhases) {
  trace_.events.clear();
  EXPECT_FALSE(verdict().timing_ok());
}

}  // namespace
}  // namespace casebox::analytics::quality
