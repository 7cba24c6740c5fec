#include "analytics/discovery/temporal_profile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>

#include "analytics/readers/xes_reader.h"
#include "tests/support/test_data.h"
#include "tests/unit/analytics/discovery/logs.h"

namespace casebox::analytics::discovery {
namespace {

const ProfilePair* find(const TemporalProfile& profile, const std::string& from,
                        const std::string& to) {
  for (const ProfilePair& pair : profile.pairs)
    if (pair.from == from && pair.to == to) return &pair;
  return nullptr;
}

TEST(TemporalProfile, NextTakesARepeatedStepOnceAndAllTakesEveryOne) {
  const EventLog log = log_of({"a b b", "a b"});
  const TemporalProfile next = temporal_profile(log, PairRule::kNext);
  ASSERT_TRUE(find(next, "a", "b"));
  EXPECT_EQ(find(next, "a", "b")->n, 2u);
  EXPECT_DOUBLE_EQ(find(next, "a", "b")->mean_s, 60);
  EXPECT_DOUBLE_EQ(*find(next, "a", "b")->sd_s, 0);
  EXPECT_EQ(find(next, "b", "b")->n, 1u);
  EXPECT_FALSE(find(next, "b", "b")->sd_s);
  const TemporalProfile all = temporal_profile(log, PairRule::kAll);
  EXPECT_EQ(find(all, "a", "b")->n, 3u);
  EXPECT_DOUBLE_EQ(find(all, "a", "b")->mean_s, 80);
  EXPECT_NEAR(*find(all, "a", "b")->sd_s, std::sqrt(1200), 1e-9);
  EXPECT_EQ(all.times, 4u);
  EXPECT_FALSE(find(all, "b", "a"));
}

TEST(TemporalProfile, ListsTheMostUsualPairsFirst) {
  const TemporalProfile profile = temporal_profile(log_of({"c d", "b a", "c d"}), PairRule::kNext);
  ASSERT_EQ(profile.pairs.size(), 2u);
  EXPECT_EQ(profile.pairs[0].from, "c");
  EXPECT_EQ(profile.pairs[0].n, 2u);
}

TEST(TemporalProfile, KeepsASmallSpreadAroundAHugeMean) {
  EventLog log;
  constexpr int64_t kYears = 3'000'000'000'000'000'000;  // 95 years
  for (const int64_t off : {-1, 0, 1}) {
    Trace& trace = log.traces.emplace_back();
    add_event(log, trace, "a", 0, 0);
    add_event(log, trace, "b", kYears + off, kYears + off);
  }
  const TemporalProfile profile = temporal_profile(log, PairRule::kAll);
  EXPECT_DOUBLE_EQ(*profile.pairs.at(0).sd_s, 1e-9);
}

TEST(TemporalProfile, TimesThatTheClockDoesNotSupportAreLeftOutAndNamed) {
  EventLog log = log_of({"a b", "a b c", "a b"});
  log.traces[1].events[0].open = true;
  log.traces[2].events[1].timed = false;
  const std::vector<std::vector<std::string>> withheld = {{"no clock"}};
  const TemporalProfile profile = temporal_profile(log, PairRule::kNext, withheld);
  EXPECT_FALSE(find(profile, "a", "b"));
  ASSERT_TRUE(find(profile, "b", "c"));
  EXPECT_EQ(profile.cases, 2u);
  ASSERT_EQ(profile.excluded.size(), 3u);
  EXPECT_TRUE(profile.excluded[0].whole);
  EXPECT_EQ(profile.excluded[2].reason, "1 of 2 events have no time");
}

TEST(TemporalProfile, FindsTheTimeThatIsUnlikeTheOthers) {
  EventLog log;
  for (const int64_t minutes : {10, 11, 9, 10, 10, 11, 9, 10, 40}) {
    Trace& trace = log.traces.emplace_back();
    add_event(log, trace, "a", 0, 0);
    add_event(log, trace, "b", minutes * kTestMinute, minutes * kTestMinute);
  }
  const TemporalProfile profile = temporal_profile(log, PairRule::kNext);
  const ProfileCheck check = check_times(log, profile, 2);
  ASSERT_EQ(check.deviations.size(), 1u);
  EXPECT_EQ(check.deviating_cases, 1u);
  EXPECT_EQ(check.cases, 9u);
  EXPECT_EQ(check.deviations[0].trace, 8u);
  EXPECT_DOUBLE_EQ(check.deviations[0].took_s, 2400);
  EXPECT_GT(*check.deviations[0].z, 2);
  EXPECT_FALSE(check.deviations[0].within_clocks);
  // The same where the clocks are known to a quarter of an hour only.
  for (LogEvent& event : log.traces[8].events) event.u95_ns = 15 * kTestMinute;
  EXPECT_TRUE(check_times(log, profile, 2).deviations.at(0).within_clocks);
}

TEST(TemporalProfile, JudgesAnotherLogByNameAndOnlyWhatItHasSeenTwice) {
  const TemporalProfile profile = temporal_profile(log_of({"a b c", "a b"}), PairRule::kNext);
  EventLog other = log_of({"x b a b c"});
  other.traces[0].events[3].t0_ns += kTestMinute;
  other.traces[0].events[3].t1_ns += kTestMinute;
  const ProfileCheck check = check_times(other, profile, 3);
  ASSERT_EQ(check.deviations.size(), 1u);  // a to b: 2 minutes, always 1 before
  EXPECT_EQ(profile.pairs[check.deviations[0].pair].to, "b");
  EXPECT_FALSE(check.deviations[0].z);
  EXPECT_EQ(check.not_judged, check.times - 1);
}

TEST(TemporalProfile, ReceiptHasThePublishedPairsAndDeviations) {
  CASEBOX_TEST_DATA(file, "process_logs/public_logs/08_receipt.xes.gz");
  const auto log = readers::read_xes(file);
  ASSERT_TRUE(log) << log.error().message;
  const TemporalProfile profile = temporal_profile(*log, PairRule::kAll);
  EXPECT_EQ(profile.pairs.size(), 329u);
  const ProfileCheck check = check_times(*log, profile, 2);
  EXPECT_EQ(check.deviations.size(), 715u);
  EXPECT_EQ(check.deviating_cases, 155u);
}

// Against the definition, one pair after the other.
RC_GTEST_PROP(TemporalProfile, IsThatOfTheDefinition, (bool all)) {
  const EventLog log = any_log();
  std::map<std::pair<std::string, std::string>, std::vector<double>> expected;
  for (const Trace& trace : log.traces) {
    std::vector<LogEvent> events = trace.events;
    std::ranges::stable_sort(events, {},
                             [](const LogEvent& e) { return std::pair(e.t0_ns, e.t1_ns); });
    for (size_t i = 0; i < events.size(); ++i) {
      std::vector<ActivityId> seen;
      for (size_t j = i + 1; j < events.size(); ++j) {
        if (events[j].t0_ns < events[i].t1_ns) continue;
        if (!all && std::ranges::find(seen, events[j].activity) != seen.end()) continue;
        seen.push_back(events[j].activity);
        expected[{log.activities[events[i].activity], log.activities[events[j].activity]}]
            .push_back(static_cast<double>(events[j].t0_ns - events[i].t1_ns) * 1e-9);
      }
    }
  }
  const TemporalProfile profile = temporal_profile(log, all ? PairRule::kAll : PairRule::kNext);
  RC_ASSERT(profile.pairs.size() == expected.size());
  for (const auto& [key, times] : expected) {
    const ProfilePair* pair = find(profile, key.first, key.second);
    RC_ASSERT(pair != nullptr);
    RC_ASSERT(pair->n == times.size());
    double mean = 0, squares = 0;
    for (const double t : times) mean += t / static_cast<double>(times.size());
    for (const double t : times) squares += (t - mean) * (t - mean);
    RC_ASSERT(std::abs(pair->mean_s - mean) < 1e-6);
    RC_ASSERT(pair->sd_s.has_value() == (times.size() > 1));
    if (pair->sd_s)
      RC_ASSERT(std::abs(*pair->sd_s - std::sqrt(squares / static_cast<double>(pair->n - 1))) <
                1e-6);
  }
}

RC_GTEST_PROP(TemporalProfile, DoesNotDependOnTheOrderOfCases, ()) {
  EventLog log = any_log();
  const TemporalProfile before = temporal_profile(log, PairRule::kNext);
  std::ranges::reverse(log.traces);
  const TemporalProfile after = temporal_profile(log, PairRule::kNext);
  RC_ASSERT(before.pairs.size() == after.pairs.size());
  for (size_t i = 0; i < before.pairs.size(); ++i) {
    RC_ASSERT(before.pairs[i].from == after.pairs[i].from);
    RC_ASSERT(before.pairs[i].mean_s == after.pairs[i].mean_s);
    RC_ASSERT(before.pairs[i].sd_s == after.pairs[i].sd_s);
  }
}

}  // namespace
}  // namespace casebox::analytics::discovery
