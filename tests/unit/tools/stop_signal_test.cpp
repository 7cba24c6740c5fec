#include "tools/cli/stop_signal.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace casebox::tools {
namespace {

TEST(StopSignal, OneOrderThatComesAsTwoSignalsKillsNothing) {
  const StopSignal signal;
  EXPECT_FALSE(signal.stopped());
  for (int i = 0; i < 3; ++i) std::raise(SIGINT);
  std::raise(SIGTERM);
  EXPECT_TRUE(signal.stopped());
}

TEST(StopSignalDeathTest, WhoeverInsistsLaterIsObeyed) {
  EXPECT_EXIT(
      {
        const StopSignal signal;
        std::raise(SIGTERM);
        std::this_thread::sleep_for(std::chrono::milliseconds(2200));
        std::raise(SIGTERM);
        std::_Exit(0);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace casebox::tools
