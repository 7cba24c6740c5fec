// What players get of recorded video: each picture at its case time, nothing of what was cut away.

#include "tools/documents/playable.h"

#include <gtest/gtest.h>

#include "recorder/sources/media_source.h"
#include "tests/unit/recorder/sources/made_media.h"
#include "tests/unit/recorder/sources/source_support.h"
#include "tools/documents/playable_init.h"

namespace casebox::tools {
namespace {

using casebox::testing::made_clip;
using casebox::testing::MadeClip;

constexpr uint32_t kKey = 1, kHidden = 8;

/// The registry entry that the recorder makes of such pictures, with times in ms.
v1::Stream stream_of(const MadeClip& clip) {
  auto source = recorder::MediaSource::over(casebox::testing::context_of("v", "in.mkv"),
                                            casebox::testing::mux(clip, {}));
  EXPECT_TRUE(source);
  v1::Stream stream = (*source)->streams().at(0);
  EXPECT_EQ(stream.media().time_base().den(), 1000u);
  return stream;
}

/// A picture as a reader gives it, in fragments of two.
storage::PacketAt packet_at(const MadeClip& clip, size_t i, int64_t ms, uint32_t flags = 0,
                            int64_t reorder_ms = 0) {
  storage::PacketAt out;
  out.t = CaseTime{ms * 1'000'000};
  out.packet.set_pts(ms);
  out.packet.set_dts(ms - reorder_ms);
  out.packet.set_duration(100);
  out.packet.set_flags(flags | (clip.pictures[i].key ? kKey : 0));
  out.payload = clip.pictures[i].data;
  out.source.first = ItemNumber{i / 2 * 2};
  out.source.count = 2;
  return out;
}

/// Times in ms of the pictures in a file, as libavformat reads it from its own zero.
std::vector<int64_t> times_in(const Bytes& file) {
  auto source = recorder::MediaSource::over(casebox::testing::context_of("v", "out.mp4"), file);
  EXPECT_TRUE(source) << source.error().message;
  std::vector<int64_t> out;
  if (!source) return out;
  auto items = casebox::testing::all_items(**source);
  EXPECT_TRUE(items);
  for (const recorder::Item& item : *items) {
    if (item.is_gap()) continue;
    for (const v1::Packet& p : std::get<recorder::Fragment>(item.what).media.packets())
      out.push_back((item.t.ns + p.dt_ns() + 500'000) / 1'000'000);
  }
  std::ranges::sort(out);
  return out;
}

struct Written {
  Bytes file;
  bool any = false;
};
Written written(const v1::Stream& stream, const std::vector<storage::PacketAt>& packets) {
  Written out;
  const auto scale = playable_timescale(stream.media().init_segment());
  EXPECT_TRUE(scale);
  PlayableWriter writer(stream, *scale, std::nullopt, [&](BytesView bytes) {
    out.file += bytes;
    return ok();
  });
  for (const auto& packet : packets) EXPECT_TRUE(writer.add(packet));
  EXPECT_TRUE(writer.finish());
  out.any = writer.any();
  return out;
}

TEST(Playable, EachPictureComesAtItsCaseTimeHoweverUneven) {
  const MadeClip clip = made_clip(12);
  const std::vector<int64_t> at = {5000,   5040,   5041,   5300,   25'000, 25'040,
                                   25'080, 25'081, 60'000, 60'001, 60'500, 61'000};
  std::vector<storage::PacketAt> packets;
  for (size_t i = 0; i < at.size(); ++i) packets.push_back(packet_at(clip, i, at[i]));
  const Written got = written(stream_of(clip), packets);
  std::vector<int64_t> expected;
  for (const int64_t t : at) expected.push_back(t - at[0]);
  EXPECT_EQ(times_in(got.file), expected);
}

TEST(Playable, ReorderedPicturesBeginAtZeroToo) {
  const MadeClip clip = made_clip(4);
  const Written got =
      written(stream_of(clip), {packet_at(clip, 0, 1080, 0, 80), packet_at(clip, 1, 1200, 0, 160),
                                packet_at(clip, 2, 1120, 0, 40), packet_at(clip, 3, 1160, 0, 40)});
  EXPECT_EQ(times_in(got.file), (std::vector<int64_t>{0, 40, 80, 120}));
}

TEST(Playable, WhatWasCutAwayComesOnlyWhereItMustBeDecodedAndTakesNoTime) {
  const MadeClip clip = made_clip(60);
  size_t key = 0;  // the last one before what is shown
  for (size_t i = 1; i < 30; ++i)
    if (clip.pictures[i].key) key = i;
  ASSERT_GT(key, 0u);
  const size_t from = key + 2, to = from + 12;
  std::vector<storage::PacketAt> packets;
  for (size_t i = 0; i < 60; ++i) {
    const bool shown = i >= from && i < to;
    const int64_t ms = shown ? static_cast<int64_t>(i - from) * 100 : i < from ? 0 : 1200;
    packets.push_back(packet_at(clip, i, ms, shown ? 0 : kHidden));
  }
  const Written got = written(stream_of(clip), packets);
  EXPECT_EQ(got.file.find(clip.pictures[0].data), Bytes::npos);
  EXPECT_NE(got.file.find(clip.pictures[key].data), Bytes::npos);
  const auto times = times_in(got.file);
  ASSERT_EQ(times.size(), 2u + 12u) << "two that must be decoded, twelve that are shown";
  EXPECT_EQ(times[0], 0) << "at most one unit of media time each";
  EXPECT_EQ(times[2], 0);
  EXPECT_EQ(times[13], 1100);
}

TEST(Playable, NothingBeforeTheFirstKeyPictureIsWritten) {
  const MadeClip clip = made_clip(3);
  EXPECT_FALSE(written(stream_of(clip), {packet_at(clip, 1, 0), packet_at(clip, 2, 100)}).any);
}

TEST(PlayableInit, TheTimescaleBecomesFineAndStaysAMultiple) {
  const Bytes init = stream_of(made_clip(1)).media().init_segment();
  const auto scale = playable_timescale(init);
  ASSERT_TRUE(scale);
  EXPECT_GE(*scale, 90'000u);
  const auto edited = playable_init(init, 4321);
  ASSERT_TRUE(edited);
  EXPECT_EQ(edited->size(), init.size() + 36);
  EXPECT_EQ(*playable_timescale(*edited), *scale) << "what is fine enough stays";
  EXPECT_EQ(edited->find("edts") - edited->find("tkhd"), init.find("mdia") - init.find("tkhd"));
}

TEST(PlayableInit, RefusesEveryTruncationWithoutReadingBeyondIt) {
  const Bytes init = stream_of(made_clip(1)).media().init_segment();
  const size_t moov = init.find("moov") - 4;
  for (size_t size = 0; size < moov + load_be<uint32_t>(init.data() + moov); ++size) {
    const Bytes cut = init.substr(0, size);  // its own allocation: the sanitizer sees an overrun
    EXPECT_FALSE(playable_init(cut, 7)) << size;
  }
}

}  // namespace
}  // namespace casebox::tools
