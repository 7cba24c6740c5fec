// Video files as cameras, phones and capture programs leave them: cut, joined, edited, with tracks
// that nobody expects.

#include <gmock/gmock.h>

#include "recorder/sources/internal/ebml_walk.h"
#include "tests/unit/recorder/sources/read_media.h"

extern "C" {
#include <libavutil/display.h>
}

namespace casebox::recorder {
namespace {

using casebox::testing::made_clip;
using casebox::testing::mux;
using casebox::testing::Muxing;
using casebox::testing::read;
using casebox::testing::Read;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(MediaField, AnEditListsDelayMovesTheFirstPicture) {
  Muxing how{.container = "mp4"};
  how.pts = [](size_t i) { return 180'000 + static_cast<int64_t>(i) * 9000; };
  const Read got = read(mux(made_clip(10), how));
  ASSERT_EQ(got.shown.size(), 10u) << got.error;
  EXPECT_NEAR(got.shown[0], 2, 1e-3);
  EXPECT_THAT(got.hidden, IsEmpty());
}

TEST(MediaField, WhatAnEditListCutsAwayIsKeptHiddenAndSaid) {
  Muxing how{.container = "mp4"};
  how.pts = [](size_t i) { return (static_cast<int64_t>(i) - 25) * 9000; };
  const Read got = read(mux(made_clip(40), how));
  ASSERT_EQ(got.shown.size(), 15u) << got.error;
  EXPECT_EQ(got.hidden.size(), 25u) << "those before the key picture are in no player's index";
  EXPECT_NEAR(got.shown[0], 0, 1e-3);
  EXPECT_NEAR(got.shown[14], 1.4, 1e-3);
  for (double t : got.hidden) EXPECT_NEAR(t, got.shown[0], 1e-3) << "they take no time";
  EXPECT_THAT(got.notices, Contains(HasSubstr("25 packets of scope.video are cut away")));
}

TEST(MediaField, AMatroskaFileThatEndsEarlyHasAGap) {
  const Bytes whole = mux(made_clip(60), {});
  EXPECT_THAT(read(whole).gaps, IsEmpty());
  EXPECT_THAT(read(whole).notices, IsEmpty());
  const Read cut = read(whole.substr(0, whole.size() * 2 / 3));
  ASSERT_EQ(cut.gaps.size(), 1u) << cut.error;
  EXPECT_EQ(cut.gaps[0].reason(), "file-truncated");
  EXPECT_TRUE(cut.gaps[0].count_unknown());
  EXPECT_NEAR(static_cast<double>(cut.gaps[0].t_end_ns()) * 1e-9, 6, 0.2);
  EXPECT_THAT(cut.notices, Contains(HasSubstr("ends early")));
}

TEST(MediaField, AMatroskaFileWithZeroesInItHasAGapWhereTheyAre) {
  Muxing how;
  how.options = {{"cluster_time_limit", "500"}};
  Bytes bytes = mux(made_clip(60), how);
  const size_t middle = bytes.size() / 2, tenth = bytes.size() / 10;
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(middle), tenth, '\0');
  const Read got = read(bytes);
  // One for what is gone, and one for a picture of which a part is.
  ASSERT_THAT(got.gaps.size(), ::testing::AnyOf(1u, 2u)) << got.error;
  for (const v1::Gap& gap : got.gaps) {
    EXPECT_EQ(gap.reason(), "file-damaged");
    EXPECT_GT(gap.t_begin_ns(), 1'000'000'000);
    EXPECT_LT(gap.t_end_ns(), 5'500'000'000);
  }
}

TEST(MediaField, PacketsLostFromATransportStreamAreAGap) {
  const Bytes whole = mux(made_clip(60), {.container = "mpegts"});
  EXPECT_THAT(read(whole).gaps, IsEmpty());
  Bytes lossy = whole;
  const size_t packets = whole.size() / 188;
  lossy.erase(packets / 2 * 188, size_t{12} * 188);
  const Read got = read(lossy);
  ASSERT_FALSE(got.gaps.empty()) << got.error;
  EXPECT_EQ(got.gaps[0].reason(), "lost-packets");
  EXPECT_EQ(got.gaps[0].origin(), v1::Gap::ORIGIN_TRANSPORT);
  EXPECT_THAT(got.notices, Contains(HasSubstr("lost on the way at 1 places")));
}

TEST(MediaField, AClockThatWasSetIsAGapAndNeverAnOverlay) {
  Muxing forward{.container = "mpegts"};
  forward.pts = [](size_t i) {
    return static_cast<int64_t>(i) * 9000 + (i < 20 ? 0 : 3600 * int64_t{90'000});
  };
  const Read jumped = read(mux(made_clip(40), forward));
  ASSERT_EQ(jumped.gaps.size(), 1u) << jumped.error;
  EXPECT_EQ(jumped.gaps[0].reason(), "clock-reset");
  EXPECT_NEAR(jumped.shown.back() - jumped.shown.front(), 3603.9, 0.01);

  const Bytes one = mux(made_clip(20), {.container = "mpegts"});
  const Read joined = read(one + one);
  ASSERT_EQ(joined.gaps.size(), 1u) << joined.error;
  EXPECT_TRUE(std::ranges::is_sorted(joined.shown));
  EXPECT_NEAR(joined.shown.back() - joined.shown.front(), 3.9, 0.2);
  EXPECT_THAT(joined.notices, Contains(HasSubstr("its clock was set 1 times")));
}

TEST(MediaField, TracksThatAreLeftOutAreNamedAndCostNoOther) {
  Muxing how;
  how.before_header = [](AVFormatContext& format, AVStream&) {
    av_dict_set(&format.metadata, "creation_time", "2024-03-31T10:00:00Z", 0);
    AVStream* sound = avformat_new_stream(&format, nullptr);
    sound->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    sound->codecpar->codec_id = AV_CODEC_ID_PCM_S16LE;
    sound->codecpar->sample_rate = 8000;
    sound->codecpar->bits_per_coded_sample = 16;
    av_channel_layout_default(&sound->codecpar->ch_layout, 1);
    AVStream* text = avformat_new_stream(&format, nullptr);
    text->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
    text->codecpar->codec_id = AV_CODEC_ID_SUBRIP;
  };
  const Read got = read(mux(made_clip(20), how), true);
  EXPECT_EQ(got.shown.size(), 20u) << got.error;
  ASSERT_EQ(got.streams.size(), 1u);
  EXPECT_THAT(got.notices, Contains(HasSubstr("track 2 (audio, pcm_s16le) is left out")));
  EXPECT_THAT(got.notices, Contains(HasSubstr("-c:v copy -c:a aac")));
  EXPECT_THAT(got.notices, Contains(HasSubstr("track 3 (subtitle, subrip) is left out")));
  EXPECT_EQ(got.wall.kind, Wall::Kind::kUtc);
  EXPECT_EQ(got.wall.ns, 1'711'879'200'000'000'000);
  EXPECT_THAT(got.notices, Contains(HasSubstr("creation time")));
  EXPECT_THAT(read(mux(made_clip(20), how)).notices, Not(Contains(HasSubstr("pcm"))));
}

TEST(MediaField, ACodecThatCannotBeKeptIsRefusedWithWhatToDo) {
  Muxing how{.container = "asf"};
  how.before_header = [](AVFormatContext&, AVStream& stream) {
    stream.codecpar->codec_id = AV_CODEC_ID_WMV2;
    stream.codecpar->codec_tag = MKTAG('W', 'M', 'V', '2');
  };
  const Read got = read(mux(made_clip(10), how));
  EXPECT_THAT(got.error, HasSubstr("a.bin: track 1 (video, wmv2) cannot be kept"));
  EXPECT_THAT(got.error, HasSubstr("ffmpeg -i FILE -c:v libx264"));
}

TEST(MediaField, ATurnedPictureStaysTurned) {
  Muxing how{.container = "mp4"};
  how.before_header = [](AVFormatContext&, AVStream& stream) {
    auto* matrix = reinterpret_cast<int32_t*>(
        av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t)));
    av_display_rotation_set(matrix, 90);
  };
  const Read got = read(mux(made_clip(10), how));
  ASSERT_EQ(got.streams.size(), 1u) << got.error;
  const Bytes& init = got.streams[0].media().init_segment();
  const size_t tkhd = init.find("tkhd");
  ASSERT_NE(tkhd, Bytes::npos);
  // Behind type, version and flags, 20 bytes of times and ids, 16 of layers and volume.
  const char* matrix = init.data() + tkhd + 4 + 4 + 20 + 16;
  EXPECT_EQ(load_be<uint32_t>(matrix), 0u) << "not the identity";
  EXPECT_NE(load_be<uint32_t>(matrix + 4), 0u);
}

TEST(EbmlWalk, EveryCutIsFoundAndNothingElse) {
  const Bytes whole = mux(made_clip(30), {});
  const auto walk = [](const Bytes& bytes) {
    return internal::find_ebml_damage(
        [&](uint64_t offset, unsigned char* into, size_t size) {
          const size_t n = std::min(size, bytes.size() - std::min<size_t>(offset, bytes.size()));
          std::copy_n(bytes.data() + offset, n, reinterpret_cast<char*>(into));
          return n;
        },
        bytes.size());
  };
  EXPECT_FALSE(walk(whole));
  for (size_t size = 200; size < whole.size(); size += 997) {
    const auto damage = walk(whole.substr(0, size));
    ASSERT_TRUE(damage) << size;
    EXPECT_LE(damage->offset, size);
  }
  EXPECT_FALSE(walk("no Matroska at all"));
}

}  // namespace
}  // namespace casebox::recorder
