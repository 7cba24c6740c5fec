#include "analytics/device_clocks.h"

#include <gtest/gtest.h>

namespace casebox::analytics {
namespace {

storage::ClockAt record(uint32_t id, bool broken, bool reset = false, uint32_t replaced_by = 0) {
  storage::ClockAt out;
  v1::SourceClock& source = *out.record.add_sources();
  source.set_clock_id(id);
  source.set_broken(broken);
  source.set_reset(reset);
  source.set_replaced_by(replaced_by);
  return out;
}

TEST(DeviceClocks, FollowsADeviceThroughItsResets) {
  const auto clocks = device_clocks({record(1, false), record(2, false), record(1, false, true, 7),
                                     record(7, false, true, 9), record(9, false)});
  ASSERT_EQ(clocks.size(), 2u);
  EXPECT_EQ(clocks[0].clock_id, 2u);
  EXPECT_EQ(clocks[0].sets, 0u);
  EXPECT_EQ(clocks[1].clock_id, 9u);
  EXPECT_EQ(clocks[1].sets, 2u);
}

TEST(DeviceClocks, OnceBrokenIsBroken) {
  const auto clocks = device_clocks({record(1, true), record(1, false), record(1, false, true, 4)});
  ASSERT_EQ(clocks.size(), 1u);
  EXPECT_TRUE(clocks[0].broken);
  EXPECT_EQ(clocks[0].clock_id, 4u);
}

TEST(DeviceClocks, ACircleOfReplacementsEnds) {
  EXPECT_FALSE(device_clocks({record(1, false, true, 2), record(2, false, true, 1)}).empty());
}

}  // namespace
}  // namespace casebox::analytics
