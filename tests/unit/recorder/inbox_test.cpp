#include "recorder/inbox.h"

#include <gtest/gtest.h>

namespace casebox::recorder {
namespace {

Message item(int64_t t, bool video = false, bool sync = false, size_t stream = 0) {
  Message message;
  message.item.stream = stream;
  message.item.t = message.item.arrival = message.at = CaseTime{t};
  if (video) {
    Fragment fragment;
    fragment.sync = sync;
    message.item.what = std::move(fragment);
  } else {
    message.item.what = Samples{};
  }
  return message;
}

TEST(Inbox, WhatDoesNotFitBecomesAGapInItsPlace) {
  Inbox inbox(1, 20);
  for (int i = 0; i < 30; ++i) inbox.push(item(i), v1::STREAM_CLASS_B, false);
  std::vector<Message> got;
  while (auto message = inbox.pop(false, milliseconds(1))) got.push_back(std::move(*message));
  EXPECT_EQ(got.size(), 18u) << "waves take nine tenths of the room";
  inbox.push(item(30), v1::STREAM_CLASS_B, false);
  auto gap = inbox.pop(false, milliseconds(1));
  ASSERT_TRUE(gap && gap->item.is_gap());
  EXPECT_EQ(std::get<v1::Gap>(gap->item.what).missing(), 12u);
  EXPECT_EQ(std::get<v1::Gap>(gap->item.what).origin(), v1::Gap::ORIGIN_QUEUE);
  auto after = inbox.pop(false, milliseconds(1));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->item.t.ns, 30);
  EXPECT_EQ(inbox.received(0, 0), 31u);
}

TEST(Inbox, VideoGoesFirstAndEventsLast) {
  Inbox inbox(1, 20);
  const auto fits = [&](Message message, v1::StreamClass kept) {
    const size_t before = inbox.waiting();
    inbox.push(std::move(message), kept, false);
    return inbox.waiting() > before;
  };
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(fits(item(i), v1::STREAM_CLASS_A));
  EXPECT_FALSE(fits(item(16, true, true, 1), v1::STREAM_CLASS_C)) << "above 80 % no video";
  EXPECT_TRUE(fits(item(16, false, false, 2), v1::STREAM_CLASS_B));
  EXPECT_TRUE(fits(item(17, false, false, 2), v1::STREAM_CLASS_B));
  EXPECT_FALSE(fits(item(18, false, false, 2), v1::STREAM_CLASS_B)) << "above 90 % no wave";
  for (int i = 18; i < 60; ++i) EXPECT_TRUE(fits(item(i), v1::STREAM_CLASS_A));
}

TEST(Inbox, VideoBeginsAgainWithAKeyPicture) {
  Inbox inbox(1, 20);
  for (int i = 0; i < 20; ++i) inbox.push(item(i, true, i == 0), v1::STREAM_CLASS_C, false);
  while (inbox.pop(false, milliseconds(1))) {
  }
  inbox.push(item(20, true, false), v1::STREAM_CLASS_C, false);  // room, but within the lost group
  inbox.push(item(21, true, true), v1::STREAM_CLASS_C, false);
  auto gap = inbox.pop(false, milliseconds(1));
  ASSERT_TRUE(gap && gap->item.is_gap());
  EXPECT_EQ(std::get<v1::Gap>(gap->item.what).missing(), 5u);
  auto key = inbox.pop(false, milliseconds(1));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->item.t.ns, 21);
}

TEST(Inbox, MergesSourcesByTimeOnceEachHasSpoken) {
  Inbox inbox(2, 20);
  inbox.push(item(5), v1::STREAM_CLASS_B, true);
  EXPECT_FALSE(inbox.pop(true, milliseconds(1)))
      << "the other source may yet say something earlier";
  Message other = item(3);
  other.source = 1;
  inbox.push(std::move(other), v1::STREAM_CLASS_B, true);
  auto first = inbox.pop(true, milliseconds(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->source, 1u);
  Message end;
  end.kind = Message::Kind::kEnded;
  end.source = 1;
  end.at = CaseTime{9};
  inbox.push(std::move(end), v1::STREAM_CLASS_A, false);
  EXPECT_EQ(inbox.pop(true, milliseconds(1))->source, 0u);
}

}  // namespace
}  // namespace casebox::recorder
