#include "recorder/appliance.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "proto/keyring/keystore.h"
#include "proto/log/log.h"
#include "proto/verify/verify.h"
#include "recorder/internal/loss_window.h"
#include "recorder/internal/signals.h"
#include "tests/support/frames.h"

namespace casebox::recorder {
namespace {

using casebox::testing::TempDir;
using ::testing::HasSubstr;
using Kind = Order::Kind;
using State = CaseMachine::State;

/// A room with one table of numbers, a row each 50 ms, which begins with the appliance.
class ApplianceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    keystore_ = *keyring::Keystore::open(dir_.path() / "keys", clock_, true, 10);
    std::ofstream table(dir_.path() / "pressure.csv");
    table << "t,PRESSURE\n";
    // Not evenly spaced, so that each row comes by itself.
    for (int i = 0; i < 600; ++i) table << i * 0.05 + (i % 2) * 0.01 << ",12\n";
    table.close();
    v1::RecorderConfig& config = *options_.config.mutable_recorder();
    config.set_procedure("lap-cholecystectomy");
    v1::SourceConfig& source = *config.add_sources();
    source.set_name("insufflator");
    source.set_type("csv");
    source.set_url((dir_.path() / "pressure.csv").string());
    options_.log_dir = dir_.path() / "spool";
    options_.say = [this](const std::string& line) { said_ += line + "\n"; };
    options_.stop = [this] { return stop_.load(); };
  }
  void TearDown() override {
    if (thread_.joinable()) stop();
  }
  void start() {
    stop_ = false;
    auto opened = Appliance::open(options_, *keystore_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    appliance_ = std::move(*opened);
    thread_ = std::thread([this] { whole_ = appliance_->run(); });
  }
  void stop() {
    stop_ = true;
    thread_.join();
    appliance_.reset();
  }
  Result<void> ask(Kind kind, const std::string& reason = "") {
    Order order;
    order.kind = kind;
    order.by = "nurse";
    order.reason = reason;
    return appliance_->ask(order);
  }
  bool comes(State state) {
    for (int i = 0; i < 600 && appliance_->status().state != state; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return appliance_->status().state == state;
  }
  std::vector<verify::Report> cases() {
    auto reports = verify::verify_log(options_.log_dir.string(), {});
    EXPECT_TRUE(reports) << reports.error().message;
    return reports ? *reports : std::vector<verify::Report>{};
  }
  static void rest(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<keyring::Keystore> keystore_;
  ApplianceOptions options_;
  std::unique_ptr<Appliance> appliance_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  Result<bool> whole_ = true;
  std::string said_;
};

TEST_F(ApplianceTest, ACaseHasWhatTheRingHeldAndTheNextOneNothingOfIt) {
  options_.config.mutable_cases()->set_ring_s(1);
  start();
  rest(1500);
  ASSERT_TRUE(ask(Kind::kBegin));
  EXPECT_GT(appliance_->status().case_s, 0.8) << "a second from before";
  rest(700);
  ASSERT_TRUE(ask(Kind::kEnd));
  ASSERT_TRUE(comes(State::kIdle));
  ASSERT_TRUE(ask(Kind::kBegin));
  rest(300);
  ASSERT_TRUE(ask(Kind::kEnd));
  ASSERT_TRUE(comes(State::kIdle));
  stop();
  const auto reports = cases();
  ASSERT_EQ(reports.size(), 2u);
  for (const auto& report : reports) EXPECT_EQ(report.verdict, verify::Verdict::kComplete);
  EXPECT_NE(reports[0].case_id, reports[1].case_id);
  EXPECT_TRUE(*whole_);
}

TEST_F(ApplianceTest, AStopInTheMiddleOfACaseDoesNotSplitIt) {
  start();
  ASSERT_TRUE(ask(Kind::kBegin));
  rest(500);
  const std::string first = appliance_->status().case_id;
  stop();
  auto reports = cases();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].verdict, verify::Verdict::kUnclosed);
  start();
  EXPECT_EQ(appliance_->status().state, State::kRecording);
  EXPECT_EQ(appliance_->status().case_id, first);
  EXPECT_TRUE(appliance_->status().resumed);
  rest(500);
  ASSERT_TRUE(ask(Kind::kEnd));
  ASSERT_TRUE(comes(State::kIdle));
  stop();
  reports = cases();
  ASSERT_EQ(reports.size(), 1u) << "a second case";
  EXPECT_EQ(reports[0].verdict, verify::Verdict::kCompleteWithDeclaredGaps);
  EXPECT_THAT(said_, HasSubstr("goes on"));
}

TEST_F(ApplianceTest, ACaseOfLongAgoIsNotGoneOnWith) {
  options_.config.mutable_cases()->set_resume_within_s(0);
  start();
  ASSERT_TRUE(ask(Kind::kBegin));
  rest(300);
  stop();
  start();
  EXPECT_EQ(appliance_->status().state, State::kIdle);
  EXPECT_THAT(said_, HasSubstr("stays UNCLOSED"));
  stop();
}

TEST_F(ApplianceTest, ACaseThatWasPausedComesBackPaused) {
  start();
  ASSERT_TRUE(ask(Kind::kBegin));
  rest(300);
  EXPECT_THAT(ask(Kind::kPause).error().message, HasSubstr("needs a reason"));
  EXPECT_THAT(ask(Kind::kPause, "lunch").error().message, HasSubstr("needs a reason"));
  ASSERT_TRUE(ask(Kind::kPause, "privacy"));
  rest(300);
  stop();
  start();
  EXPECT_EQ(appliance_->status().state, State::kPaused);
  ASSERT_TRUE(ask(Kind::kResume));
  rest(300);
  ASSERT_TRUE(ask(Kind::kEnd));
  ASSERT_TRUE(comes(State::kIdle));
  stop();
  start();
  EXPECT_EQ(appliance_->status().state, State::kIdle) << "a case that has ended does not go on";
  stop();
}

TEST_F(ApplianceTest, WithoutARingACaseBeginsWhereItWasAskedFor) {
  options_.config.mutable_cases()->set_ring_s(0);
  start();
  rest(3000);
  ASSERT_TRUE(ask(Kind::kBegin));
  EXPECT_LT(appliance_->status().case_s, 2);
  stop();
}

TEST(LossWindow, CountsTheLastFiveMinutesAndForgetsWhatWasBefore) {
  internal::LossWindow window({"scope", "monitor"});
  Loss row;
  row.source = "monitor";
  const auto at = [](int64_t s) { return MonoTime{} + seconds(s); };
  for (int64_t s = 10; s < 700; ++s) {
    if (s == 100) row.missing = 7, row.gaps = 1;
    window.note(at(s), {row});
    const bool inside = s >= 100 && s < 399, outside = s < 100 || s > 401;
    EXPECT_TRUE(!inside || window.lost(1).items == 7) << s;
    EXPECT_TRUE(!outside || window.lost(1).items == 0) << s;
  }
  EXPECT_EQ(window.lost(0).items, 0u);
  window.clear();
  row.missing = 2;
  window.note(at(701), {row});
  EXPECT_EQ(window.lost(1).items, 2u) << "another case began at zero";
}

TEST(Signals, ReadTheLastSampleInItsUnit) {
  v1::Channel channel;
  channel.set_decimals(1);
  EXPECT_EQ(internal::last_value({{120, 125}, {}, {}}, channel), 12.5);
  EXPECT_EQ(internal::last_value({{120, 125}, {}, {false, true}}, channel), std::nullopt);
  channel.set_gain(0.5);
  channel.set_offset(1);
  EXPECT_EQ(internal::last_value({{10}, {}, {}}, channel), 6);
  EXPECT_EQ(internal::last_value({{}, {3.25}, {}}, channel), 3.25);
  EXPECT_EQ(internal::last_value({}, channel), std::nullopt);
}

}  // namespace
}  // namespace casebox::recorder
