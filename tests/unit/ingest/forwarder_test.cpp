#include "ingest/bus/forwarder.h"

#include <fstream>

#include "ingest/bus/log_bus.h"
#include "ingest/bus/memory_bus.h"
#include "tests/unit/ingest/bus_contract.h"

namespace casebox::bus::test {
namespace {

namespace fs = std::filesystem;

// A publisher that fails for good when told to, after it took some messages.
class Fragile final : public Publisher {
 public:
  Fragile(std::unique_ptr<Publisher> inner, int* fail_in)
      : inner_(std::move(inner)), fail_in_(fail_in) {}
  Result<void> publish(const Message& message) override {
    if (*fail_in_ >= 0 && (*fail_in_)-- == 0) return Error{Code::kIo, "fatal"};
    return inner_->publish(message);
  }
  Result<void> flush(Duration timeout) override { return inner_->flush(timeout); }

 private:
  std::unique_ptr<Publisher> inner_;
  int* fail_in_;
};

class ForwarderTest : public testing::Test {
 protected:
  ForwarderTest() { options_.log_dir = dir_ / "spool"; }
  ~ForwarderTest() override { fs::remove_all(dir_); }

  void write(const std::vector<Message>& messages) {
    if (!writer_) {
      auto opened = log::Writer::open(options_.log_dir, clock_);
      ASSERT_TRUE(opened) << opened.error().message;
      writer_ = std::move(*opened);
      publisher_ = std::make_unique<LogPublisher>(*writer_);
    }
    publish_all(*publisher_, messages);
  }

  std::unique_ptr<Forwarder> forwarder() {
    auto opened = Forwarder::open(
        options_,
        [this]() -> Result<std::unique_ptr<Publisher>> {
          return std::unique_ptr<Publisher>(std::make_unique<Fragile>(bus_.publisher(), &fail_in_));
        },
        clock_);
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return nullptr;
    }
    return std::move(*opened);
  }

  static size_t run(Forwarder& forwarder) {
    size_t total = 0;
    while (true) {
      auto step = forwarder.step(Duration{});
      EXPECT_TRUE(step) << step.error().message;
      if (!step || *step == 0) return total;
      total += *step;
    }
  }

  std::vector<Delivery> arrived(size_t count) {
    auto subscriber = bus_.subscriber();
    auto received = receive(*subscriber, count);
    auto more = subscriber->poll(Duration{});
    EXPECT_TRUE(!more || !*more) << "more arrived than expected";
    return received;
  }

  fs::path dir_ = fs::temp_directory_path() / ("casebox-forward-" + to_string(random_epoch()));
  ForwarderOptions options_;
  ManualClock clock_{MonoTime{}, UtcTime{}};
  MemoryBus bus_;
  int fail_in_ = -1;
  std::unique_ptr<log::Writer> writer_;
  std::unique_ptr<LogPublisher> publisher_;
};

TEST_F(ForwarderTest, SendsEachFrameOnceThroughAllRestarts) {
  options_.batch_frames = 7;
  const auto sent = recording(50, 100);
  write({sent.begin(), sent.begin() + 20});
  for (int i = 0; i < 2; ++i) {
    auto first = forwarder();
    EXPECT_EQ(*first->step(Duration{}), 7u);
  }
  EXPECT_EQ(run(*forwarder()), 6u);
  write({sent.begin() + 20, sent.end()});
  auto last = forwarder();
  EXPECT_EQ(run(*last), sent.size() - 20);
  EXPECT_EQ(last->stats().frames, sent.size() - 20);
  EXPECT_EQ(by_lane(arrived(sent.size())), by_lane(sent));
}

TEST_F(ForwarderTest, LeavesALogToTheOneThatForwardsIt) {
  write(recording(5, 100));
  auto first = forwarder();
  auto second = Forwarder::open(
      options_, [this] { return Result<std::unique_ptr<Publisher>>(bus_.publisher()); }, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  first.reset();
  EXPECT_NE(forwarder(), nullptr);
}

TEST_F(ForwarderTest, WaitsForABusThatIsAwayAndSendsNothingTwice) {
  const auto sent = recording(20, 100);
  write(sent);
  auto forwarder = this->forwarder();
  bus_.set_available(false);
  auto step = forwarder->step(Duration{});
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, Code::kUnavailable);
  clock_.advance(seconds(90));
  EXPECT_DOUBLE_EQ(forwarder->stats().lag_s, 90);
  bus_.set_available(true);
  EXPECT_EQ(run(*forwarder), sent.size());
  EXPECT_DOUBLE_EQ(forwarder->stats().lag_s, 0);
  EXPECT_EQ(forwarder->stats().replays, 0u);
  EXPECT_EQ(by_lane(arrived(sent.size())), by_lane(sent));
}

TEST_F(ForwarderTest, GoesBackToTheCursorAfterAFatalError) {
  options_.batch_frames = 10;
  const auto sent = recording(21, 100);
  write(sent);
  auto forwarder = this->forwarder();
  EXPECT_EQ(*forwarder->step(Duration{}), 10u);
  fail_in_ = 4;
  auto step = forwarder->step(Duration{});
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, Code::kIo);
  EXPECT_EQ(run(*forwarder), sent.size() - 10);
  EXPECT_EQ(forwarder->stats().replays, 1u);
  // The four of the broken batch came twice: the store tells them by their identity.
  std::map<Bytes, int> copies;
  for (const Delivery& delivery : arrived(sent.size() + 4)) ++copies[delivery.message.frame];
  EXPECT_EQ(copies.size(), sent.size());
}

TEST_F(ForwarderTest, RefusesADamagedCursorInsteadOfSendingEverythingAgain) {
  write(recording(3, 10));
  std::ofstream(options_.log_dir / "forward.cursor") << "casebox-cursor 1 12x\n";
  auto opened = Forwarder::open(options_, {}, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
}

TEST_F(ForwarderTest, RefusesACaseOfAPartitionThatTheTopicsDoNotHave) {
  write(recording(3, 10, 2));
  options_.partitions = 2;
  auto step = forwarder()->step(Duration{});
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace casebox::bus::test
