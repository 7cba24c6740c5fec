#include "recorder/sources/media_source.h"

#include <gmock/gmock.h>

#include "proto/base/file.h"
#include "recorder/sim/plan.h"
#include "recorder/sim/video.h"
#include "recorder/sources/internal/fragmenter.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::HasSubstr;

/// Pictures of the simulator with Annex B start codes, three of them to every two seconds missing
/// none.
struct Clip {
  v1::MediaFormat format;
  std::vector<sim::Picture> pictures;
};

Clip make_clip(size_t count) {
  sim::Options options;
  options.duration_scale = 0.02;
  auto plan = sim::make_plan(options);
  auto maker = sim::VideoMaker::open(*plan, sim::View::kScope);
  Clip clip;
  (*maker)->describe(clip.format);
  for (size_t i = 0; i < count; ++i) clip.pictures.push_back(*(*maker)->make(i));
  return clip;
}

/// The NAL units of a picture without start codes or lengths.
std::vector<Bytes> units_of_annexb(const Bytes& data) {
  std::vector<Bytes> out;
  size_t from = Bytes::npos;
  for (size_t i = 0; i + 3 <= data.size(); ++i) {
    if (data.compare(i, 3, Bytes("\0\0\1", 3)) != 0) continue;
    if (from != Bytes::npos)
      out.push_back(data.substr(from, i - from - (data[i - 1] == 0 ? 1 : 0)));
    from = i + 3;
  }
  if (from != Bytes::npos) out.push_back(data.substr(from));
  return out;
}

std::vector<Bytes> units_of_lengths(BytesView data) {
  std::vector<Bytes> out;
  while (data.size() >= 4) {
    const auto n = load_be<uint32_t>(data.data());
    if (n > data.size() - 4) break;
    out.emplace_back(data.substr(4, n));
    data.remove_prefix(4 + n);
  }
  return out;
}

Bytes payload(const v1::MediaFragment& media, int i) {
  return media.cmaf().substr(media.packets(i).offset(), media.packets(i).size());
}

/// A whole fragmented MP4 of a clip, through the fragmenter.
Bytes fragmented(const Clip& clip, std::vector<Item>& items) {
  auto muxer = internal::CmafMuxer::open(clip.format);
  EXPECT_TRUE(muxer) << muxer.error().message;
  const Bytes init = (*muxer)->init_segment();
  internal::Fragmenter fragments(0, true, milliseconds(150), std::move(*muxer));
  for (const sim::Picture& picture : clip.pictures) {
    internal::TimedPacket timed;
    timed.packet.data = picture.data;
    timed.packet.pts = timed.packet.dts = picture.pts;
    timed.packet.duration = static_cast<uint64_t>(picture.duration);
    timed.packet.key = picture.key;
    timed.decode = timed.present = CaseTime{picture.pts * 100'000 / 9};
    timed.duration = milliseconds(100);
    EXPECT_TRUE(fragments.add(std::move(timed), 0, items));
  }
  EXPECT_TRUE(fragments.flush(items));
  Bytes file = init;
  for (const Item& item : items) file += std::get<Fragment>(item.what).media.cmaf();
  return file;
}

TEST(CmafMuxer, StartCodesBecomeLengthsAndTheUnitsStayAsTheyAre) {
  const Clip clip = make_clip(25);
  std::vector<Item> items;
  fragmented(clip, items);
  size_t at = 0;
  for (const Item& item : items) {
    const auto& media = std::get<Fragment>(item.what).media;
    for (int i = 0; i < media.packets_size(); ++i, ++at) {
      auto expected = units_of_annexb(clip.pictures[at].data);
      EXPECT_EQ(units_of_lengths(payload(media, i)), expected) << "picture " << at;
      EXPECT_EQ(media.packets(i).pts(), clip.pictures[at].pts);
    }
  }
  EXPECT_EQ(at, 25u);
}

TEST(Fragmenter, CutsAtKeyPicturesAndAfterItsLength) {
  const Clip clip = make_clip(25);
  std::vector<Item> items;
  fragmented(clip, items);
  for (const Item& item : items) {
    const auto& fragment = std::get<Fragment>(item.what);
    EXPECT_LE(fragment.media.packets_size(), 2);
    for (int i = 1; i < fragment.media.packets_size(); ++i)
      EXPECT_EQ(fragment.media.packets(i).flags() & 1, 0u) << "a key picture inside a fragment";
    EXPECT_EQ(fragment.sync, (fragment.media.packets(0).flags() & 1) != 0);
  }
}

TEST(MediaSource, ReadsBackItsOwnFragmentsPacketForPacket) {
  const Clip clip = make_clip(40);
  std::vector<Item> made;
  auto source = MediaSource::over(context_of("scope", "a.mp4"), fragmented(clip, made));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->streams()[0].name(), "scope.video");
  EXPECT_EQ((*source)->streams()[0].media().codec(), "h264");
  EXPECT_THAT((*source)->streams()[0].media().codec_string(), HasSubstr("avc1."));
  auto items = all_items(**source);
  ASSERT_TRUE(items) << items.error().message;
  std::vector<Bytes> before, after;
  for (const Item& item : made)
    for (int i = 0; i < std::get<Fragment>(item.what).media.packets_size(); ++i)
      before.push_back(payload(std::get<Fragment>(item.what).media, i));
  for (const Item& item : *items)
    for (int i = 0; i < std::get<Fragment>(item.what).media.packets_size(); ++i)
      after.push_back(payload(std::get<Fragment>(item.what).media, i));
  EXPECT_EQ(before, after);
}

TEST(MediaSource, RefusesWhatIsNoMedia) {
  EXPECT_THAT(MediaSource::over(context_of("scope", "a.mp4"), Bytes(5000, 'x')).error().message,
              HasSubstr("a.mp4:0: cannot be read"));
  EXPECT_EQ(MediaSource::open(context_of("scope", "/nowhere/a.mp4")).error().code, Code::kNotFound);
}

class RealClip : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = casebox::testing::real_data() / "video" / "cholecystectomy_clip.mp4";
    if (!std::filesystem::exists(file_)) GTEST_SKIP() << "no real data at " << file_;
  }
  std::filesystem::path file_;
};

TEST_F(RealClip, EveryPacketHasItsOwnTimesAndFragmentsRiseInDecodeOrder) {
  auto source = MediaSource::open(context_of("scope", file_.string()));
  ASSERT_TRUE(source) << source.error().message;
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  int packets = 0;
  bool reordered = false;
  CaseTime last{INT64_MIN};
  for (const Item& item : *items) {
    EXPECT_GT(item.t, last);
    last = item.t;
    for (const v1::Packet& p : std::get<Fragment>(item.what).media.packets()) {
      ++packets;
      reordered |= p.pts() != p.dts();
      // Case time of presentation is the source's own, in its time base of 1/12800 s.
      EXPECT_NEAR(static_cast<double>(item.t.ns + p.dt_ns()), static_cast<double>(p.pts()) * 78125,
                  2);
    }
  }
  EXPECT_EQ(packets, 800);
  EXPECT_TRUE(reordered) << "the clip has B-pictures";
}

TEST_F(RealClip, ACutFileGivesWhatItHoldsAndAGapOfKnownCount) {
  auto bytes = read_file(file_);
  ASSERT_TRUE(bytes);
  const size_t moov = bytes->find("moov");
  if (moov > bytes->size() / 2) {
    EXPECT_FALSE(
        MediaSource::over(context_of("scope", "cut.mp4"), bytes->substr(0, bytes->size() / 2)));
    GTEST_SKIP() << "the clip's index stands at its end: a cut leaves nothing to read";
  }
  auto source =
      MediaSource::over(context_of("scope", "cut.mp4"), bytes->substr(0, bytes->size() / 2));
  ASSERT_TRUE(source) << source.error().message;
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  uint64_t packets = 0, missing = 0;
  for (const Item& item : *items) {
    if (item.is_gap())
      missing += std::get<v1::Gap>(item.what).missing();
    else
      packets += item.count;
  }
  EXPECT_GT(packets, 100u);
  EXPECT_EQ(packets + missing, 800u);
  EXPECT_EQ((*source)->skipped().size(), 1u);
}

TEST(MediaSource, AudioIsDeclaredAbsentUnlessAskedFor) {
  const auto file = casebox::testing::real_data() / "video" / "Zoomin_2.mp4";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no real data at " << file;
  auto source = MediaSource::open(context_of("scope", file.string()));
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->streams().size(), 2u);
  EXPECT_TRUE((*source)->streams()[1].by_policy_absent());
  Context wanted = context_of("scope", file.string());
  wanted.config.set_record_audio(true);
  auto both = MediaSource::open(std::move(wanted));
  ASSERT_TRUE(both);
  EXPECT_FALSE((*both)->streams()[1].by_policy_absent());
  auto items = all_items(**both);
  ASSERT_TRUE(items) << items.error().message;
  uint64_t video = 0, audio = 0, hidden = 0;
  for (const Item& item : *items) {
    (item.stream == 0 ? video : audio) += item.count;
    for (const v1::Packet& p : std::get<Fragment>(item.what).media.packets())
      hidden += (p.flags() & 8) != 0;
  }
  EXPECT_EQ(video, 250u);
  EXPECT_EQ(audio, 471u);
  EXPECT_EQ(hidden, 2u) << "the edit list takes two";
}

}  // namespace
}  // namespace casebox::recorder
