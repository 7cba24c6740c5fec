#include <gtest/gtest.h>

#include "recorder/sim/feed.h"
#include "recorder/sim/settings.h"
#include "recorder/sim/streams.h"

namespace casebox::recorder::sim {
namespace {

TEST(SimFeed, NumbersOfEveryStreamTileWithItsGaps) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    Options options;
    options.seed = seed;
    options.duration_scale = .1;
    options.video = false;
    auto feed = Feed::open(options).value();
    std::vector<uint64_t> next(feed->streams().size());
    std::vector<Received> items;
    while (feed->next(items).value())
      for (const Received& item : items) {
        if (item.is_gap) {
          EXPECT_NE(item.gap.count_unknown(), item.gap.missing() > 0);
          EXPECT_LE(item.gap.t_begin_ns(), item.gap.t_end_ns());
          next[item.stream] += item.gap.missing();
        } else {
          ASSERT_EQ(item.packet.number, next[item.stream]) << feed->streams()[item.stream].name();
          next[item.stream] += item.packet.count;
        }
      }
    for (size_t i = 0; i < next.size(); ++i) EXPECT_EQ(next[i], feed->room().counts()[i].sent);
  }
}

TEST(SimFeed, SaysWhichClockIsBroken) {
  Options options;
  options.duration_scale = .1;
  options.video = false;
  options.faults = {"clock-offset", "clock-broken"};
  auto feed = Feed::open(options).value();
  std::vector<Received> items;
  while (feed->next(items).value()) continue;
  int broken = 0;
  for (const v1::SourceClock& clock : feed->clocks()) {
    const DeviceClock& truth = feed->room().plan().clocks[clock.clock_id() - 1];
    EXPECT_EQ(clock.broken(), truth.broken) << truth.device;
    broken += clock.broken();
    if (clock.broken()) continue;
    EXPECT_NEAR(static_cast<double>(clock.offset_ns()), -truth.offset_s * 1e9, 3e7) << truth.device;
  }
  EXPECT_EQ(broken, 1);
}

TEST(SimFeed, SettingsGiveTheOptionsBack) {
  Options options;
  options.seed = 77;
  options.duration_scale = .25;
  options.faults = {"loss", "time"};
  options.phase_marks = false;
  const Options again = options_of(settings_of(options), options.procedure);
  EXPECT_EQ(again.seed, options.seed);
  EXPECT_EQ(again.duration_scale, options.duration_scale);
  EXPECT_EQ(again.faults, options.faults);
  EXPECT_EQ(again.phase_marks, options.phase_marks);
  EXPECT_EQ(again.video, options.video);
}

}  // namespace
}  // namespace casebox::recorder::sim
