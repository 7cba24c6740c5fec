#include "analytics/discovery/directly_follows.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "analytics/readers/xes_reader.h"
#include "tests/support/test_data.h"
#include "tests/unit/analytics/discovery/logs.h"

namespace casebox::analytics::discovery {
namespace {

TEST(DirectlyFollows, CountsArcsStartsAndEnds) {
  const EventLog log = log_of({"a b c", "a b b b", "", "c"});
  const DirectlyFollows graph = directly_follows(log, OrderBasis::kStart);
  EXPECT_EQ(graph.cases, 4u);
  EXPECT_EQ(graph.events, 8u);
  EXPECT_EQ(graph.passages, 5u);
  ASSERT_EQ(graph.arcs.size(), 3u);
  const auto text = [&](const Arc& arc) {
    return log.activities[arc.from] + log.activities[arc.to] + std::to_string(arc.count) +
           std::to_string(arc.cases);
  };
  EXPECT_EQ(text(graph.arcs[0]), "ab22");
  EXPECT_EQ(text(graph.arcs[1]), "bb21");
  EXPECT_EQ(text(graph.arcs[2]), "bc11");
  ASSERT_EQ(graph.starts.size(), 2u);
  EXPECT_EQ(graph.starts[0].count, 2u);
  EXPECT_EQ(log.activities[graph.starts[1].activity], "c");
  ASSERT_EQ(graph.ends.size(), 2u);
  EXPECT_EQ(log.activities[graph.ends[0].activity], "c");
  EXPECT_EQ(graph.ends[0].count, 2u);
}

TEST(DirectlyFollows, AWaitRunsFromTheEndToTheNextStart) {
  EventLog log;
  for (const int64_t wait : {0, 1, 2, 4, -3}) {
    Trace& trace = log.traces.emplace_back();
    add_event(log, trace, "a", 0, 10 * kTestMinute);
    add_event(log, trace, "b", (10 + wait) * kTestMinute, 30 * kTestMinute);
  }
  const DirectlyFollows graph = directly_follows(log, OrderBasis::kStart);
  ASSERT_EQ(graph.arcs.size(), 1u);
  ASSERT_TRUE(graph.arcs[0].waits);
  const Waits& waits = *graph.arcs[0].waits;
  EXPECT_EQ(waits.n, 5u);
  EXPECT_EQ(waits.overlapping, 1u);
  EXPECT_DOUBLE_EQ(waits.mean_s, 48);
  EXPECT_DOUBLE_EQ(waits.min_s, -180);
  EXPECT_DOUBLE_EQ(waits.q25_s, 0);
  EXPECT_DOUBLE_EQ(waits.median_s, 60);
  EXPECT_DOUBLE_EQ(waits.q75_s, 120);
  EXPECT_DOUBLE_EQ(waits.max_s, 240);
}

// A case without usable times keeps its sequence, and says why its times are missing.
TEST(DirectlyFollows, WithheldTimesLeaveTheCountsAlone) {
  EventLog log = log_of({"a b", "a b", "a b", "a b c", "a b", "a b"});
  for (LogEvent& event : log.traces[1].events) event.timed = false;
  for (LogEvent& event : log.traces[2].events) event.u95_ns = -1;
  log.traces[3].events[1].open = true;
  log.traces[4].events[0].t1_ns = -1;
  const std::vector<std::vector<std::string>> withheld = {{"the clock jumped"}, {}, {}, {}, {}, {}};
  const DirectlyFollows graph = directly_follows(log, OrderBasis::kSource, withheld);
  ASSERT_EQ(graph.arcs.size(), 2u);
  EXPECT_EQ(graph.arcs[0].count, 6u);
  EXPECT_EQ(graph.arcs[0].waits->n, 2u);
  EXPECT_FALSE(graph.arcs[1].waits);  // from the end of what never ended
  ASSERT_EQ(graph.excluded.size(), 5u);
  EXPECT_EQ(graph.excluded[0].case_id, "case 1");
  EXPECT_EQ(graph.excluded[0].reason, "the clock jumped");
  EXPECT_EQ(graph.excluded[1].reason, "no event has a time");
  EXPECT_EQ(graph.excluded[2].reason, "its times have no bound");
  EXPECT_EQ(graph.excluded[3].reason, "1 of 3 never ended: nothing is measured from their end");
  EXPECT_FALSE(graph.excluded[3].whole);
  EXPECT_EQ(graph.excluded[4].reason, "1 of 2 end before they begin");
}

TEST(DirectlyFollows, ReceiptHasThePublishedArcs) {
  CASEBOX_TEST_DATA(file, "process_logs/public_logs/08_receipt.xes.gz");
  const auto log = readers::read_xes(file);
  ASSERT_TRUE(log) << log.error().message;
  const DirectlyFollows graph = directly_follows(*log, OrderBasis::kStart);
  EXPECT_EQ(graph.cases, 1434u);
  EXPECT_EQ(graph.arcs.size(), 99u);
  EXPECT_EQ(graph.passages, 7143u);
  EXPECT_EQ(graph.starts.size(), 1u);
  EXPECT_EQ(graph.ends.size(), 14u);
}

RC_GTEST_PROP(DirectlyFollows, CountsWhatAWalkThroughEachCaseCounts, ()) {
  const EventLog log = any_log();
  const auto basis = *rc::gen::element(OrderBasis::kStart, OrderBasis::kEnd, OrderBasis::kSource);
  std::map<std::pair<ActivityId, ActivityId>, std::vector<double>> expected;
  for (const Trace& trace : log.traces) {
    const auto order = ordered(trace, basis);
    for (size_t i = 1; i < order.size(); ++i) {
      const LogEvent &a = trace.events[order[i - 1]], &b = trace.events[order[i]];
      expected[{a.activity, b.activity}].push_back(static_cast<double>(b.t0_ns - a.t1_ns) * 1e-9);
    }
  }
  const DirectlyFollows graph = directly_follows(log, basis);
  RC_ASSERT(graph.arcs.size() == expected.size());
  for (const Arc& arc : graph.arcs) {
    std::vector<double> waits = expected.at({arc.from, arc.to});
    std::ranges::sort(waits);
    RC_ASSERT(arc.count == waits.size());
    RC_ASSERT(arc.waits->min_s == waits.front());
    RC_ASSERT(arc.waits->max_s == waits.back());
    const size_t n = waits.size();
    RC_ASSERT(std::abs(arc.waits->median_s - (waits[(n - 1) / 2] + waits[n / 2]) / 2) < 1e-9);
  }
}

}  // namespace
}  // namespace casebox::analytics::discovery
