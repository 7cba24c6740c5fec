#include "tests/unit/ingest/bus_contract.h"

#include <chrono>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/seal/seal.h"

namespace casebox::bus::test {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr v1::StreamKind kKinds[] = {v1::STREAM_KIND_TEAM, v1::STREAM_KIND_WAVE,
                                     v1::STREAM_KIND_VIDEO};

std::string lane_key(const Message& message) {
  return std::string(to_string(message.lane)) + "/" + std::to_string(message.partition);
}

// Positions after the deliveries given.
std::vector<Position> positions_after(const std::vector<Delivery>& deliveries, size_t count) {
  std::map<std::string, uint64_t> next;
  for (size_t i = 0; i < count; ++i) next[deliveries[i].source] = deliveries[i].next_offset;
  std::vector<Position> positions;
  for (const auto& [source, offset] : next) positions.push_back({source, offset});
  return positions;
}

}  // namespace

std::vector<Message> recording(size_t items, size_t body_size, uint32_t partition) {
  Message proto;
  proto.case_id = random_id<CaseId>();
  proto.producer = random_id<ProducerId>();
  proto.partition = partition;
  frame::Header header;
  header.epoch = random_epoch();
  std::vector<Message> messages;
  auto add = [&](Lane lane, BytesView body) {
    auto bytes = frame::encode(header, body);
    ASSERT_TRUE(bytes) << bytes.error().message;
    messages.push_back(proto);
    messages.back().lane = lane;
    messages.back().frame = *bytes;
  };
  v1::CaseControl control;
  control.mutable_open()->set_case_id(Bytes(proto.case_id.view()));
  control.mutable_open()->set_producer_id(Bytes(proto.producer.view()));
  control.mutable_open()->set_role(v1::PRODUCER_ROLE_RECORDER);
  control.mutable_open()->set_partition(partition);
  header.kind = frame::Kind::kCase;
  add(Lane::kEvent, control.SerializeAsString());
  header.kind = frame::Kind::kStream;
  for (uint32_t i = 0; i < 3; ++i) {
    v1::Stream stream;
    stream.set_stream_id(i + 1);
    stream.set_name("stream" + std::to_string(i));
    stream.set_kind(kKinds[i]);
    ++header.first.value;
    add(Lane::kEvent, stream.SerializeAsString());
  }
  header.kind = frame::Kind::kData;
  for (size_t i = 0; i < items; ++i) {
    Bytes body(body_size, '\0');
    for (size_t at = 0; at < body.size(); ++at) body[at] = static_cast<char>((at * 31 + i) >> 3);
    header.stream = StreamId{static_cast<uint32_t>(i % 3 + 1)};
    header.first = ItemNumber{i / 3};
    add(lane_of(kKinds[i % 3]), body);
  }
  return messages;
}

void publish_all(Publisher& publisher, const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    auto sent = publisher.publish(message);
    ASSERT_TRUE(sent) << sent.error().message;
  }
  auto flushed = publisher.flush(seconds(30));
  ASSERT_TRUE(flushed) << flushed.error().message;
}

std::vector<Delivery> receive(Subscriber& subscriber, size_t count) {
  std::vector<Delivery> deliveries;
  const auto deadline = SteadyClock::now() + std::chrono::seconds(30);
  while (deliveries.size() < count && SteadyClock::now() < deadline) {
    auto delivery = subscriber.poll(milliseconds(100));
    if (!delivery) {
      EXPECT_EQ(delivery.error().code, Code::kUnavailable) << delivery.error().message;
      if (delivery.error().code != Code::kUnavailable) break;
      continue;
    }
    if (*delivery) deliveries.push_back(std::move(**delivery));
  }
  EXPECT_EQ(deliveries.size(), count);
  return deliveries;
}

// What is compared, so that a difference does not print megabytes.
Bytes digest_of(BytesView frame) {
  return std::to_string(frame.size()) + " bytes " + to_hex(seal::sha256(frame));
}

Sequences by_lane(const std::vector<Message>& messages) {
  Sequences sequences;
  for (const Message& message : messages)
    sequences[lane_key(message)].push_back(digest_of(message.frame));
  return sequences;
}

Sequences by_lane(const std::vector<Delivery>& deliveries) {
  Sequences sequences;
  for (const Delivery& delivery : deliveries)
    sequences[lane_key(delivery.message)].push_back(digest_of(delivery.message.frame));
  return sequences;
}

TEST_P(BusContract, DeliversEveryFrameVerbatimAndInOrderOnItsLane) {
  if (!bench_) return;
  const auto sent = recording(300, 500);
  publish_all(bench_->publisher(), sent);
  auto subscriber = bench_->subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  const auto received = receive(*subscriber, sent.size());
  EXPECT_EQ(by_lane(received), by_lane(sent));
  std::map<std::string, uint64_t> next;
  for (const Delivery& delivery : received) {
    EXPECT_EQ(delivery.message.case_id, sent.front().case_id);
    EXPECT_EQ(delivery.message.producer, sent.front().producer);
    EXPECT_GE(delivery.offset, next[delivery.source]);
    EXPECT_GT(delivery.next_offset, delivery.offset);
    next[delivery.source] = delivery.next_offset;
  }
}

TEST_P(BusContract, ResumesAtAnyOffsetWithExactlyTheRest) {
  if (!bench_) return;
  const auto sent = recording(40, 100);
  publish_all(bench_->publisher(), sent);
  auto first = bench_->subscriber();
  ASSERT_TRUE(first->resume({}));
  const auto all = receive(*first, sent.size());
  ASSERT_EQ(all.size(), sent.size());
  for (size_t done : {size_t{0}, size_t{1}, size_t{4}, size_t{17}, all.size() - 1}) {
    SCOPED_TRACE(done);
    auto subscriber = bench_->subscriber();
    ASSERT_TRUE(subscriber->resume(positions_after(all, done)));
    const std::vector<Delivery> rest(all.begin() + static_cast<ptrdiff_t>(done), all.end());
    EXPECT_EQ(by_lane(receive(*subscriber, rest.size())), by_lane(rest));
    auto more = subscriber->poll(milliseconds(20));
    ASSERT_TRUE(more) << more.error().message;
    EXPECT_FALSE(*more);
  }
}

TEST_P(BusContract, DeliversTheSameAgainFromAnOldOffset) {
  if (!bench_) return;
  const auto sent = recording(30, 100);
  publish_all(bench_->publisher(), sent);
  auto first = bench_->subscriber();
  ASSERT_TRUE(first->resume({}));
  const auto all = receive(*first, sent.size());
  auto second = bench_->subscriber();
  ASSERT_TRUE(second->resume({}));
  const auto again = receive(*second, sent.size());
  std::map<std::pair<std::string, uint64_t>, Bytes> frames;
  for (const Delivery& delivery : all)
    frames[{delivery.source, delivery.offset}] = delivery.message.frame;
  EXPECT_EQ(frames.size(), sent.size());
  for (const Delivery& delivery : again)
    EXPECT_EQ((frames[{delivery.source, delivery.offset}]), delivery.message.frame);
}

TEST_P(BusContract, DeliversWhatIsPublishedWhileItPolls) {
  if (!bench_) return;
  const auto sent = recording(20, 100);
  const std::vector<Message> early(sent.begin(), sent.begin() + 10);
  const std::vector<Message> late(sent.begin() + 10, sent.end());
  publish_all(bench_->publisher(), early);
  auto subscriber = bench_->subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  EXPECT_EQ(by_lane(receive(*subscriber, early.size())), by_lane(early));
  publish_all(bench_->publisher(), late);
  EXPECT_EQ(by_lane(receive(*subscriber, late.size())), by_lane(late));
}

TEST_P(BusContract, CarriesTheLargestFrame) {
  if (!bench_) return;
  const auto sent = recording(6, frame::kMaxBody);
  publish_all(bench_->publisher(), sent);
  auto subscriber = bench_->subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  EXPECT_EQ(by_lane(receive(*subscriber, sent.size())), by_lane(sent));
}

TEST_P(BusContract, ReturnsNothingInTimeWhenNothingCame) {
  if (!bench_) return;
  auto subscriber = bench_->subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  const auto begin = SteadyClock::now();
  auto nothing = subscriber->poll(milliseconds(50));
  const auto took = SteadyClock::now() - begin;
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(*nothing);
  EXPECT_GE(took, std::chrono::milliseconds(40));
  EXPECT_LT(took, std::chrono::seconds(5));
}

TEST_P(BusContract, KeepsTheLanesAndPartitionsOfSeveralCasesApart) {
  if (!bench_) return;
  auto sent = recording(30, 100, 0);
  const auto other = recording(30, 100, 1);
  sent.insert(sent.end(), other.begin(), other.end());
  publish_all(bench_->publisher(), sent);
  auto subscriber = bench_->subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  const auto received = receive(*subscriber, sent.size());
  EXPECT_EQ(by_lane(received), by_lane(sent));
  EXPECT_EQ(by_lane(sent).size(), 6u);
}

TEST_P(BrokerContract, SaysSoWhenTheBrokerIsAwayAndGoesOnByItself) {
  if (!bench_) return;
  const auto sent = recording(60, 100);
  const std::vector<Message> early(sent.begin(), sent.begin() + 30);
  publish_all(bench_->publisher(), early);
  auto subscriber = bench_->subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  auto received = receive(*subscriber, early.size());

  bench_->set_away(true);
  const auto deadline = SteadyClock::now() + std::chrono::seconds(30);
  Code seen = Code::kInternal;
  while (seen != Code::kUnavailable && SteadyClock::now() < deadline) {
    auto polled = subscriber->poll(milliseconds(100));
    if (!polled) seen = polled.error().code;
  }
  EXPECT_EQ(seen, Code::kUnavailable);
  size_t taken = early.size();
  for (; taken < sent.size(); ++taken) {
    auto published = bench_->publisher().publish(sent[taken]);
    if (published) continue;
    EXPECT_EQ(published.error().code, Code::kUnavailable) << published.error().message;
    break;
  }
  auto flushed = bench_->publisher().flush(milliseconds(300));
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, Code::kUnavailable) << flushed.error().message;

  bench_->set_away(false);
  publish_all(bench_->publisher(), {sent.begin() + static_cast<ptrdiff_t>(taken), sent.end()});
  const auto rest = receive(*subscriber, sent.size() - early.size());
  received.insert(received.end(), rest.begin(), rest.end());
  EXPECT_EQ(by_lane(received), by_lane(sent));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BrokerContract);

}  // namespace casebox::bus::test
