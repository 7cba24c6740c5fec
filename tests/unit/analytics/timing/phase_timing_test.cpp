#include "analytics/timing/phase_timing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace casebox::analytics::timing {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

void add(EventLog& log, Trace& trace, const std::string& phase, int64_t from_s, int64_t to_s,
         int64_t u95_ns = 0) {
  LogEvent event;
  event.activity = log.intern(phase);
  event.t0_ns = from_s * kSecond;
  event.t1_ns = to_s * kSecond;
  event.u95_ns = u95_ns;
  event.source_order = static_cast<uint32_t>(trace.events.size());
  trace.events.push_back(event);
}

TEST(PhaseTiming, TellsActiveFromSpanAndIdle) {
  EventLog log;
  Trace trace;
  add(log, trace, "cleaning", 10, 30, 3 * kSecond);
  add(log, trace, "retraction", 30, 50);
  add(log, trace, "cleaning", 50, 60, 4 * kSecond);
  const auto times = time_phases(log, trace);
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0].phase, "cleaning");
  EXPECT_DOUBLE_EQ(times[0].active_s, 30);
  EXPECT_DOUBLE_EQ(times[0].span_s, 50);
  EXPECT_DOUBLE_EQ(times[0].idle_s, 20);
  EXPECT_EQ(times[0].entries, 2u);
  EXPECT_NEAR(times[0].u95_s, std::sqrt(2 * 9 + 2 * 16), 1e-9);
}

TEST(PhaseTiming, OverlappingEntriesCountOnce) {
  EventLog log;
  Trace trace;
  add(log, trace, "a", 0, 20);
  add(log, trace, "a", 10, 15);
  add(log, trace, "a", 18, 30);
  EXPECT_DOUBLE_EQ(time_phases(log, trace)[0].active_s, 30);
}

TEST(PhaseTiming, NamesWhatItLeavesOut) {
  EventLog log;
  log.traces.resize(3);
  for (int i = 0; i < 3; ++i) log.traces[static_cast<size_t>(i)].case_key = std::to_string(i);
  add(log, log.traces[0], "a", 0, 10);
  add(log, log.traces[1], "a", 0, 20);
  add(log, log.traces[2], "a", 0, 40);
  log.traces[2].events[0].open = true;
  std::vector<TimedCase> cases;
  for (const Trace& trace : log.traces) cases.push_back({&log, &trace, {}});
  cases[0].withheld = {"clock 3 is broken"};
  const TimingTable table = time_cohort(cases);
  EXPECT_EQ(table.cases, 3u);
  ASSERT_EQ(table.phases.size(), 1u);
  EXPECT_EQ(table.phases[0].n, 1u);
  EXPECT_DOUBLE_EQ(table.phases[0].median_s, 20);
  EXPECT_FALSE(table.phases[0].ci95_s);
  ASSERT_EQ(table.excluded.size(), 2u);
  EXPECT_EQ(table.excluded[0].reason, "clock 3 is broken");
  EXPECT_EQ(table.excluded[1].case_id, "2");
  EXPECT_EQ(table.excluded[1].phase, "a");
  EXPECT_EQ(table.excluded[1].reason, "never ended");
}

TEST(PhaseTiming, RowsComeInTheOrderOfTheOperation) {
  EventLog log;
  log.traces.resize(1);
  add(log, log.traces[0], "z-first", 0, 10);
  add(log, log.traces[0], "a-second", 10, 20);
  const TimingTable table = time_cohort({{&log, &log.traces[0], {}}});
  ASSERT_EQ(table.phases.size(), 2u);
  EXPECT_EQ(table.phases[0].phase, "z-first");
}

}  // namespace
}  // namespace casebox::analytics::timing
