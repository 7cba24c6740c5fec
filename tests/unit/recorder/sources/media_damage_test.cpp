// Videos that a disk, a crash or a copy has damaged: what was lost is declared, and what was not
// stands where it stood.

#include <gmock/gmock.h>

#include "recorder/sources/internal/codec_string.h"
#include "recorder/sources/internal/container_walk.h"
#include "recorder/sources/internal/packet_damage.h"
#include "tests/unit/recorder/sources/read_media.h"

namespace casebox::recorder {
namespace {

using casebox::testing::made_clip;
using casebox::testing::mux;
using casebox::testing::Muxing;
using casebox::testing::read;
using casebox::testing::Read;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kPictures = 60;  // 10 a second

Bytes avi() {
  Muxing how{.container = "avi"};
  how.before_header = [](AVFormatContext&, AVStream& stream) {
    stream.time_base = {1, 10};
    stream.avg_frame_rate = {10, 1};
    stream.codecpar->codec_tag = MKTAG('H', '2', '6', '4');
  };
  return mux(made_clip(kPictures), how);
}

Bytes fragmented() {
  Muxing how{.container = "mp4"};
  how.options = {{"movflags", "frag_keyframe+empty_moov+default_base_moof"}};
  return mux(made_clip(kPictures), how);
}

Bytes zeroed(Bytes bytes, size_t from, size_t count) {
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(from), count, '\0');
  return bytes;
}

/// Where the n-th chunk of pictures begins.
size_t chunk(const Bytes& bytes, size_t n) {
  size_t at = bytes.find("movi") + 4;
  for (size_t i = 0; at + 8 < bytes.size();
       at += 8 + (load_le<uint32_t>(&bytes[at + 4]) + 1) / 2 * 2)
    if (bytes.compare(at, 3, "00d") == 0 && i++ == n) return at;
  return Bytes::npos;
}

uint64_t missing(const Read& got) {
  uint64_t out = 0;
  for (const v1::Gap& gap : got.gaps) out += gap.missing();
  return out;
}

TEST(MediaDamage, ASoundFileOfAnyContainerHasNoGap) {
  for (const char* container : {"matroska", "mp4", "flv", "mpegts"}) {
    const Read got = read(mux(made_clip(kPictures), {.container = container}));
    EXPECT_EQ(got.shown.size(), kPictures) << container << got.error;
    EXPECT_THAT(got.gaps, IsEmpty()) << container;
  }
  EXPECT_EQ(read(avi()).shown.size(), kPictures);
  EXPECT_THAT(read(avi()).gaps, IsEmpty());
  EXPECT_THAT(read(fragmented()).gaps, IsEmpty());
}

TEST(MediaDamage, AnAviThatLostPacketsKeepsTheTimesOfTheOthersByItsIndex) {
  const Bytes whole = avi();
  const size_t from = chunk(whole, 23), to = chunk(whole, 28);
  ASSERT_LT(to, whole.size());
  const Read got = read(zeroed(whole, from, to - from));
  ASSERT_EQ(got.gaps.size(), 1u) << got.error;
  EXPECT_EQ(got.gaps[0].reason(), "file-damaged");
  EXPECT_EQ(got.shown.size() + missing(got), kPictures);
  EXPECT_GE(missing(got), 5u);
  const Read sound = read(whole);
  EXPECT_NEAR(got.shown.back(), sound.shown.back(), 1e-3) << "it slid into the hole";
  EXPECT_NEAR(static_cast<double>(got.gaps[0].t_begin_ns()) * 1e-9, sound.shown[23], 1e-3);
  EXPECT_THAT(got.notices, Contains(HasSubstr("that its index names are not there")));
}

TEST(MediaDamage, AnAviThatEndsEarlyHasAGapToItsEnd) {
  const Bytes whole = avi();
  const Read cut = read(whole.substr(0, chunk(whole, 40) + 5));
  ASSERT_EQ(cut.gaps.size(), 1u) << cut.error;
  EXPECT_EQ(cut.shown.size(), 40u);
  EXPECT_EQ(cut.gaps[0].reason(), "file-truncated");
  EXPECT_TRUE(cut.gaps[0].count_unknown());
  EXPECT_THAT(cut.notices, Contains(HasSubstr("ends early")));
}

TEST(MediaDamage, AnAviWithoutAnIndexThatLostPacketsHasAGapWhereTheyWere) {
  Bytes whole = avi();
  const size_t from = chunk(whole, 23), to = chunk(whole, 28);
  whole.resize(whole.find("idx1"));
  store_le(&whole[4], static_cast<uint32_t>(whole.size() - 8));
  EXPECT_THAT(read(whole).gaps, IsEmpty()) << "an index is not what was recorded";
  const Read got = read(zeroed(whole, from, to - from));
  ASSERT_EQ(got.gaps.size(), 1u) << got.error;
  EXPECT_EQ(got.gaps[0].reason(), "file-damaged");
  EXPECT_LT(got.shown.size(), kPictures);
}

TEST(MediaDamage, ZeroesInsidePicturesAreDeclaredAndTheBytesKept) {
  for (const char* container : {"mp4", "matroska"}) {
    const auto clip = made_clip(kPictures);
    const Bytes whole = mux(clip, {.container = container});
    const size_t picture = whole.find(clip.pictures[30].data.substr(40));
    ASSERT_NE(picture, Bytes::npos);
    const Read got = read(zeroed(whole, picture, 40));
    EXPECT_EQ(got.shown.size(), kPictures) << container << got.error;
    ASSERT_EQ(got.gaps.size(), 1u) << container;
    EXPECT_EQ(got.gaps[0].reason(), "file-damaged");
    EXPECT_NEAR(static_cast<double>(got.gaps[0].t_end_ns()) * 1e-9, 3.1, 0.011);
    EXPECT_THAT(got.notices, Contains(HasSubstr("1 packets of scope.video hold bytes")));
  }
}

TEST(MediaDamage, HolesInFragmentsTagsAndTransportPacketsAreGaps) {
  const Bytes pieces = fragmented();
  const Read lost = read(zeroed(pieces, pieces.size() / 2, pieces.size() / 10));
  ASSERT_FALSE(lost.gaps.empty()) << lost.error;
  EXPECT_LT(lost.shown.size(), kPictures);

  const Bytes tags = mux(made_clip(kPictures), {.container = "flv"});
  const Read holes = read(zeroed(tags, tags.size() / 2, tags.size() / 10));
  ASSERT_FALSE(holes.gaps.empty()) << holes.error;
  EXPECT_EQ(holes.gaps[0].reason(), "file-damaged");
  const Read ended = read(tags.substr(0, tags.size() * 2 / 3));
  ASSERT_FALSE(ended.gaps.empty()) << ended.error;
  EXPECT_EQ(ended.gaps.back().reason(), "file-truncated");

  const Bytes sent = mux(made_clip(kPictures), {.container = "mpegts"});
  const Read torn = read(sent.substr(0, sent.size() / 188 / 2 * 188 + 100));
  ASSERT_FALSE(torn.gaps.empty()) << torn.error;
  EXPECT_EQ(torn.gaps.back().reason(), "file-truncated");
}

TEST(MediaDamage, AnMp4WithoutItsIndexIsToldAsSuch) {
  const Bytes whole = mux(made_clip(kPictures), {.container = "mp4"});
  const Read got = read(whole.substr(0, whole.size() / 2));
  EXPECT_THAT(got.error, HasSubstr("a.bin:0: this is an MP4 or MOV file without its index (moov)"));
  EXPECT_THAT(got.error, HasSubstr("; get the whole file"));
  EXPECT_THAT(got.error, Not(HasSubstr("-c copy"))) << "which cannot read it either";
  EXPECT_THAT(read("no video at all").error, HasSubstr("cannot be read as video or audio"));
}

TEST(ContainerWalk, EveryCutIsFoundInsideTheFileAndNothingElse) {
  const auto walk = [](std::string_view format, const Bytes& bytes) {
    return internal::find_container_damage(
        format,
        [&](uint64_t offset, unsigned char* into, size_t size) {
          const size_t n = std::min(size, bytes.size() - std::min<size_t>(offset, bytes.size()));
          std::copy_n(bytes.data() + offset, n, reinterpret_cast<char*>(into));
          return n;
        },
        bytes.size());
  };
  const std::pair<std::string_view, Bytes> files[] = {
      {"avi", avi()},
      {"mov,mp4", fragmented()},
      {"flv", mux(made_clip(kPictures), {.container = "flv"})}};
  for (const auto& [format, whole] : files) {
    EXPECT_FALSE(walk(format, whole)) << format;
    size_t found = 0, tried = 0;
    for (size_t size = 2000; size < whole.size(); size += 997, ++tried) {
      const auto damage = walk(format, whole.substr(0, size));
      if (!damage) continue;
      ++found;
      EXPECT_LE(damage->offset, size) << format;
      EXPECT_TRUE(damage->ends_early) << format;
    }
    EXPECT_GE(found, tried - 1) << format;
  }
}

TEST(PacketCheck, ZeroesThatACodecMakesAreNone) {
  AVCodecParameters* codec = avcodec_parameters_alloc();
  codec->codec_id = AV_CODEC_ID_MPEG2VIDEO;
  const internal::PacketCheck mpeg2(*codec);
  const Bytes zeroes(200, '\0'), start("\0\0\1\xB8zzzz", 8);
  EXPECT_FALSE(mpeg2.is_damaged(start + zeroes + start)) << "stuffing before a start code";
  EXPECT_TRUE(mpeg2.is_damaged(start + zeroes + "x"));
  codec->codec_id = AV_CODEC_ID_MJPEG;
  const internal::PacketCheck mjpeg(*codec);
  const Bytes tables = "\xFF\xD8" + Bytes(600, '\0');
  const Bytes coded = tables + "\xFF\xDA" + Bytes(500, 'x');
  EXPECT_FALSE(mjpeg.is_damaged(coded + Bytes(4000, '\0'))) << "filled up behind its end";
  EXPECT_TRUE(mjpeg.is_damaged(coded + Bytes(4000, '\0') + "xx"));
  codec->codec_id = AV_CODEC_ID_PCM_S16LE;
  EXPECT_FALSE(internal::PacketCheck(*codec).is_damaged(Bytes(4096, '\0'))) << "silence";
  avcodec_parameters_free(&codec);
}

TEST(CodecString, TellsABrowserWhatItWouldHaveToDecode) {
  const auto told = [](AVCodecID id, const Bytes& extra, int profile = -1) {
    AVCodecParameters* codec = avcodec_parameters_alloc();
    codec->codec_type = AVMEDIA_TYPE_VIDEO;
    codec->codec_id = id;
    codec->profile = profile;
    codec->extradata = static_cast<uint8_t*>(av_mallocz(extra.size() + 64));
    std::copy(extra.begin(), extra.end(), codec->extradata);
    codec->extradata_size = static_cast<int>(extra.size());
    std::string out = internal::codec_string(*codec);
    avcodec_parameters_free(&codec);
    return out;
  };
  // The example of ISO/IEC 14496-15, annex E: Main profile and tier, level 3.1, progressive.
  const Bytes hvcc =
      Bytes("\x01\x01\x60\x00\x00\x00\xB0\x00\x00\x00\x00\x00\x5D", 13) + Bytes(10, '\0');
  EXPECT_EQ(told(AV_CODEC_ID_HEVC, hvcc), "hev1.1.6.L93.B0");
  EXPECT_EQ(told(AV_CODEC_ID_HEVC, "", 2).substr(0, 9), "hev1.2.4.");
  // The example of the AV1 binding, 5: Main profile, level 3.0, Main tier, 8 bits.
  EXPECT_EQ(told(AV_CODEC_ID_AV1, Bytes("\x81\x04\x0C\x00", 4)), "av01.0.04M.08");
  EXPECT_EQ(told(AV_CODEC_ID_AV1, Bytes("\x81\x04\x4C\x00", 4)), "av01.0.04M.10");
  EXPECT_EQ(told(AV_CODEC_ID_VP9, "", 0), "vp09.00.10.08");
  EXPECT_EQ(told(AV_CODEC_ID_MJPEG, ""), "mp4v.6c");
}

}  // namespace
}  // namespace casebox::recorder
