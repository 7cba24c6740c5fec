#include "recorder/ring.h"

#include <gmock/gmock.h>

namespace casebox::recorder {
namespace {

RoomTime at(double s) { return RoomTime{} + from_seconds(s); }

Message sample(double s, size_t source = 0) {
  Message message;
  message.source = source;
  message.at = message.item.t = at(s);
  Samples samples;
  samples.columns.push_back({{1}, {}, {}});
  message.item.what = std::move(samples);
  return message;
}

Message picture(double s, bool key, size_t bytes = 100) {
  Message message;
  message.source = 1;
  message.at = message.item.t = at(s);
  Fragment fragment;
  fragment.sync = key;
  fragment.media.set_cmaf(std::string(bytes, 'x'));
  message.item.what = std::move(fragment);
  return message;
}

Message opened(double s, const std::string& name) {
  Message message;
  message.kind = Message::Kind::kOpened;
  message.at = at(s);
  message.streams.emplace_back().set_name(name);
  return message;
}

TEST(Ring, HoldsItsTimeAndNoMore) {
  Ring ring(2, seconds(10), 1 << 20);
  for (int i = 0; i < 300; ++i) ring.push(sample(i * 0.1));
  ring.trim(at(30));
  EXPECT_NEAR(ring.begin()->seconds(), 20, 0.11);
  EXPECT_NEAR(ring.earliest()->seconds(), 20, 0.11);
  EXPECT_FALSE(ring.cut());
  const auto messages = ring.take();
  EXPECT_NEAR(static_cast<double>(messages.size()), 100, 1);
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.bytes(), 0u);
}

TEST(Ring, HoldsItsBytesAndSaysThatItIsShorterForThem) {
  Ring ring(2, seconds(60), 100'000);
  for (int i = 0; i < 100; ++i) ring.push(picture(i * 0.1, true, 10'000));
  EXPECT_LE(ring.bytes(), 100'000u);
  EXPECT_TRUE(ring.cut());
  EXPECT_GT(ring.begin()->seconds(), 8.5);
  ring.trim(at(9.9));
  EXPECT_TRUE(ring.cut()) << "what bytes cost would still be in it";
  ring.trim(at(80));
  EXPECT_FALSE(ring.cut());
}

TEST(Ring, KeepsPicturesBackToOneThatIsShownByItself) {
  Ring ring(2, seconds(10), 1 << 20);
  for (int i = 0; i < 300; ++i) ring.push(picture(i * 0.1, i % 40 == 0));
  ring.trim(at(30));
  EXPECT_NEAR(ring.begin()->seconds(), 20, 0.01) << "a key picture each 4 s";
  ring.trim(at(31));
  EXPECT_NEAR(ring.begin()->seconds(), 20, 0.01);
  ring.trim(at(35));
  EXPECT_NEAR(ring.begin()->seconds(), 24, 0.01);
}

TEST(Ring, RemembersWhatASourceIsWhenThatHasFallenOut) {
  Ring ring(2, seconds(10), 1 << 20);
  ring.push(opened(0, "monitor.ecg"));
  Message away;
  away.kind = Message::Kind::kAway;
  away.at = at(1);
  away.reason = "disconnected";
  ring.push(away);
  for (int i = 20; i < 300; ++i) ring.push(sample(i * 0.1));
  ring.trim(at(30));
  ASSERT_TRUE(ring.before(0).opened);
  EXPECT_EQ(ring.before(0).opened->streams[0].name(), "monitor.ecg");
  ASSERT_TRUE(ring.before(0).away);
  EXPECT_EQ(ring.before(0).away->reason, "disconnected");
  EXPECT_FALSE(ring.before(1).opened);
  ring.push(opened(31, "monitor.ecg"));
  ring.take();
  EXPECT_FALSE(ring.before(0).away) << "it is back, for the case after this one";
}

}  // namespace
}  // namespace casebox::recorder
