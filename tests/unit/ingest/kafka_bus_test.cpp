#include <cstdlib>

#include "ingest/bus/kafka_publisher.h"
#include "ingest/bus/kafka_subscriber.h"
#include "ingest/bus/kafka_topics.h"
#include "ingest/bus/mock_kafka.h"
#include "proto/seal/seal.h"
#include "tests/unit/ingest/bus_contract.h"

namespace casebox::bus::test {
namespace {

KafkaOptions options_for(const std::string& brokers) {
  KafkaOptions options;
  options.brokers = brokers;
  options.topic_prefix = "test-" + to_string(random_epoch());  // each test its own topics
  options.fetch_wait = milliseconds(10);
  return options;
}

class KafkaBench : public Bench {
 public:
  explicit KafkaBench(KafkaOptions options) : options_(std::move(options)) {}

  Publisher& publisher() override {
    if (!publisher_) {
      auto made = KafkaPublisher::create(options_);
      if (!made) ADD_FAILURE() << made.error().message;
      publisher_ = std::move(*made);
    }
    return *publisher_;
  }
  std::unique_ptr<Subscriber> subscriber() override {
    auto made = KafkaSubscriber::create(options_, {0, 1});
    if (!made) ADD_FAILURE() << made.error().message;
    return std::move(*made);
  }

 protected:
  KafkaOptions options_;

 private:
  std::unique_ptr<Publisher> publisher_;
};

class MockBench final : public KafkaBench {
 public:
  explicit MockBench(std::unique_ptr<MockKafka> mock)
      : KafkaBench(options_for(mock->brokers())), mock_(std::move(mock)) {
    for (Lane lane : {Lane::kEvent, Lane::kWave, Lane::kMedia})
      EXPECT_TRUE(mock_->create_topic(topic_of(options_.topic_prefix, lane), 2));
  }
  void set_away(bool away) override { mock_->set_down(away); }

 private:
  std::unique_ptr<MockKafka> mock_;
};

std::unique_ptr<Bench> make_mock() {
#ifdef __SANITIZE_THREAD__
  [] { GTEST_SKIP() << "librdkafka crashes under ThreadSanitizer"; }();
  return nullptr;
#else
  auto mock = MockKafka::start();
  if (!mock) {
    ADD_FAILURE() << mock.error().message;
    return nullptr;
  }
  return std::make_unique<MockBench>(std::move(*mock));
#endif
}

class RealBench final : public KafkaBench {
 public:
  explicit RealBench(const std::string& brokers) : KafkaBench(options_for(brokers)) {
    auto made = create_topics(options_, topics_of(options_.topic_prefix, 2), 1, seconds(30));
    EXPECT_TRUE(made) << made.error().message;
  }
  void set_away(bool away) override {
    const std::string command = std::string(CASEBOX_SOURCE_DIR "/deploy/kafka/") +
                                (away ? "stop '" : "start '") + std::getenv("CASEBOX_KAFKA_DIR") +
                                "' > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
};

std::unique_ptr<Bench> make_real() {
  const char* brokers = std::getenv("CASEBOX_KAFKA");
  if (brokers == nullptr) {
    [] {
      GTEST_SKIP() << "CASEBOX_KAFKA names no broker (tests/integration/kafka_test.sh does)";
    }();
    return nullptr;
  }
  return std::make_unique<RealBench>(brokers);
}

std::unique_ptr<Bench> make_real_with_folder() {
  if (std::getenv("CASEBOX_KAFKA_DIR") == nullptr) {
    [] { GTEST_SKIP() << "CASEBOX_KAFKA_DIR names no broker's folder to stop and start it"; }();
    return nullptr;
  }
  return make_real();
}

INSTANTIATE_TEST_SUITE_P(Mock, BusContract, testing::Values(Kind{"Kafka", make_mock}), name_of);
INSTANTIATE_TEST_SUITE_P(Mock, BrokerContract, testing::Values(Kind{"Kafka", make_mock}), name_of);
INSTANTIATE_TEST_SUITE_P(Real, BusContract, testing::Values(Kind{"Kafka", make_real}), name_of);
INSTANTIATE_TEST_SUITE_P(Real, BrokerContract,
                         testing::Values(Kind{"Kafka", make_real_with_folder}), name_of);

TEST(KafkaSubscriber, RefusesAnOffsetThatTheTopicDoesNotHold) {
  auto bench = make_mock();
  if (!bench) return;
  publish_all(bench->publisher(), recording(3, 10));
  auto probe = bench->subscriber();
  ASSERT_TRUE(probe->resume({}));
  const std::string source = receive(*probe, 1).at(0).source;
  auto subscriber = bench->subscriber();
  ASSERT_TRUE(subscriber->resume({{source, 1000}}));
  Code seen = Code::kInternal;
  for (int i = 0; i < 300 && seen == Code::kInternal; ++i) {
    auto polled = subscriber->poll(milliseconds(100));
    if (!polled) seen = polled.error().code;
  }
  EXPECT_EQ(seen, Code::kCorrupt);
}

// Two brokers of one topic: the one that was read, and what stands under its name afterwards.
class MadeAgain : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "librdkafka crashes under ThreadSanitizer";
#endif
    fill(first_, "a");
    fill(second_, "b");
  }
  void fill(std::unique_ptr<MockKafka>& mock, const std::string& text) {
    mock = *MockKafka::start();
    options_.brokers = mock->brokers();
    options_.topic_prefix = "test";
    options_.fetch_wait = milliseconds(10);
    for (Lane lane : options_.lanes) ASSERT_TRUE(mock->create_topic(topic_of("test", lane), 1));
    auto publisher = *KafkaPublisher::create(options_);
    for (int i = 0; i < 5; ++i)
      ASSERT_TRUE(
          publisher->publish({random_id<CaseId>(), {}, Lane::kWave, 0, text + std::to_string(i)}));
    ASSERT_TRUE(publisher->flush(seconds(20)));
  }
  static Position read_to(uint64_t next, const std::string& last) {
    return {"test.wave.v1/0", next, Position::Mark{next - 1, seal::sha256(last)}};
  }
  /// The first record, or the error, of a subscriber that goes on there.
  Result<std::string> first(const MockKafka& mock, const std::vector<Position>& from) {
    options_.brokers = mock.brokers();
    auto subscriber = *KafkaSubscriber::create(options_, {0});
    CASEBOX_CHECK(subscriber->resume(from));
    for (int i = 0; i < 300; ++i) {
      CASEBOX_TRY(const auto polled, subscriber->poll(milliseconds(100)));
      if (polled) return std::string(polled->message.frame);
    }
    return Error{Code::kInternal, "nothing came"};
  }

  KafkaOptions options_;
  std::unique_ptr<MockKafka> first_, second_;
};

TEST_F(MadeAgain, ATopicThatIsStillTheOneGoesOnBehindItsLastRecord) {
  const auto got = first(*first_, {read_to(3, "a2")});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, "a3") << "the last record is compared and not given again";
}

TEST_F(MadeAgain, AnotherTopicOfItsNameIsRefused) {
  const auto got = first(*second_, {read_to(3, "a2")});
  ASSERT_FALSE(got) << *got << " was taken for what came behind a2";
  EXPECT_EQ(got.error().code, Code::kCorrupt);
  EXPECT_NE(got.error().message.find("deleted and made again"), std::string::npos);
  EXPECT_NE(got.error().message.find("--resume-at test.wave.v1/0=0"), std::string::npos)
      << got.error().message;
}

TEST_F(MadeAgain, AShorterTopicIsRefusedAndSaysWhereItEnds) {
  const auto got = first(*second_, {read_to(900, "a899")});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kCorrupt);
  EXPECT_NE(got.error().message.find("up to 900 and ends at 5"), std::string::npos)
      << got.error().message;
}

TEST_F(MadeAgain, APartitionThatNobodyReadBeginsAtItsFirstRecord) {
  const auto got = first(*second_, {});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, "b0");
}

TEST(KafkaTopics, TellWhichOffsetsAPartitionHolds) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "librdkafka crashes under ThreadSanitizer";
#endif
  auto mock = *MockKafka::start();
  const KafkaOptions options = options_for(mock->brokers());
  const std::string topic = topic_of(options.topic_prefix, Lane::kWave);
  ASSERT_TRUE(mock->create_topic(topic, 2));
  auto publisher = *KafkaPublisher::create(options);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(publisher->publish({random_id<CaseId>(), {}, Lane::kWave, 1, "x"}));
  ASSERT_TRUE(publisher->flush(seconds(20)));
  const auto held = held_offsets(options, topic, 1, seconds(20));
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_EQ(held->first, 0u);
  EXPECT_EQ(held->end, 3u);
  EXPECT_EQ(held_offsets(options, topic, 0, seconds(20))->end, 0u);
  EXPECT_FALSE(held_offsets(options, topic, 9, seconds(5)));
}

TEST(KafkaPublisher, RefusesAPropertyThatLibrdkafkaDoesNotKnow) {
  KafkaOptions options;
  options.brokers = "127.0.0.1:1";
  options.properties["no.such.property"] = "1";
  auto made = KafkaPublisher::create(options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  EXPECT_NE(made.error().message.find("no.such.property"), std::string::npos);
}

TEST(KafkaTopics, HaveThePoliciesOfTheirContent) {
  std::map<std::string, Topic> topics;
  for (const Topic& topic : topics_of("casebox", 4)) topics[topic.name] = topic;
  EXPECT_EQ(topics.size(), 7u);
  for (const char* name : {"casebox.event.v1", "casebox.wave.v1", "casebox.media.v1"}) {
    EXPECT_EQ(topics[name].partitions, 4u) << name;
    EXPECT_EQ(topics[name].config["cleanup.policy"], "delete") << name;
  }
  for (const char* name : {"casebox.case.v1", "casebox.summary.v1", "casebox.receipt.v1"}) {
    EXPECT_EQ(topics[name].config["cleanup.policy"], "compact") << name;
    EXPECT_FALSE(topics[name].config["segment.ms"].empty()) << name;
  }
}

}  // namespace
}  // namespace casebox::bus::test
