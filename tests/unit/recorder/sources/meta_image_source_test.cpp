// Sequences of MetaImage: the transforms of what was tracked, frame by frame.

#include "recorder/sources/meta_image_source.h"

#include <gmock/gmock.h>

#include "proto/text/text.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string frame(int n, double time, const std::string& status, double x) {
  char number[16];
  std::snprintf(number, sizeof number, "%04d", n);
  const std::string key = std::string("Seq_Frame") + number + "_";
  return key + "ProbeToTrackerTransform = 1 0 0 " + std::to_string(x) +
         " 0 1 0 2 0 0 1 3 0 0 0 1 \n" + key + "ProbeToTrackerTransformStatus = " + status + "\n" +
         key + "FrameNumber = " + std::to_string(100 + n) + "\n" + key +
         "Timestamp = " + std::to_string(time) + "\n" + key +
         "UnfilteredTimestamp = " + std::to_string(time + 0.001) + "\n";
}

std::string file(const std::string& frames, const std::string& size = "8 6 3") {
  return "ObjectType = Image\nNDims = 3\nDimSize = " + size + "\n" + frames +
         "ElementDataFile = LOCAL\n";
}

struct Got {
  std::string error, said;
  std::unique_ptr<Source> source;
  std::vector<Item> items;
};

Got read(const std::string& bytes) {
  Got out;
  auto source = MetaImageSource::over(context_of("nav", "a.mha"), bytes);
  if (!source) {
    out.error = source.error().message;
    return out;
  }
  out.source = std::move(*source);
  out.items = *all_items(*out.source);
  for (const Skipped& one : out.source->skipped()) out.said += one.reason + "\n";
  return out;
}

TEST(MetaImageSource, TransformsStandAtTheTimesOfTheirFrames) {
  const Got got = read(
      file(frame(0, 50.25, "OK", -7.5) + frame(1, 50.5, "INVALID", 0) + frame(2, 51, "OK", 4)) +
      "pixels");
  ASSERT_TRUE(got.source) << got.error;
  ASSERT_EQ(got.source->streams().size(), 2u);
  EXPECT_EQ(got.source->streams()[0].name(), "nav.ProbeToTracker");
  EXPECT_EQ(got.source->streams()[0].channels_size(), 12);
  std::vector<double> at, x, numbers;
  std::vector<std::string> gaps;
  for (const Item& item : got.items) {
    if (item.is_gap()) {
      EXPECT_EQ(item.stream, 0u);
      gaps.push_back(std::get<v1::Gap>(item.what).reason());
      continue;
    }
    const auto& samples = std::get<Samples>(item.what);
    if (item.stream == 1) {
      numbers.push_back(samples.columns[0].reals[0]);
      continue;
    }
    at.push_back(item.t.seconds());
    x.push_back(samples.columns[3].reals[0]);
    EXPECT_EQ(samples.columns[11].reals[0], 3);
  }
  EXPECT_THAT(at, ElementsAre(0, 0.75));
  EXPECT_THAT(x, ElementsAre(-7.5, 4));
  EXPECT_THAT(gaps, ElementsAre("invalid-samples")) << "it was not seen in the second frame";
  EXPECT_THAT(numbers, ElementsAre(100, 101, 102));
  EXPECT_THAT(got.said, HasSubstr("its pictures are left out"));
}

TEST(MetaImageSource, ATimeThatGoesBackIsRefusedWithItsLine) {
  EXPECT_THAT(read(file(frame(0, 5, "OK", 1) + frame(1, 4, "OK", 1))).error,
              HasSubstr("a.mha:12: its time is before that of the frame before"));
}

TEST(MetaImageSource, WhatIsMissingIsSaid) {
  const std::string whole = file(frame(0, 5, "OK", 1) + frame(1, 6, "OK", 1), "0 0 2");
  EXPECT_THAT(read(whole.substr(0, whole.find("ElementDataFile"))).said,
              HasSubstr("ends inside its header"));
  EXPECT_THAT(read(file("")).error, HasSubstr("without frames that tell their time"));
  EXPECT_THAT(read(file("Seq_Frame0000_ATransform = 1 2\nSeq_Frame0000_Timestamp = 1\n"
                        "Seq_Frame0000_Light = 3\nSeq_Frame0001_Light = 3\n"))
                  .said,
              HasSubstr("1 transforms are no matrices"));
  // A name in another encoding, and frames that tell nothing but their times.
  const Got other =
      read(file("Seq_Frame0000_Pr\xFCf\xFFTransform = 1 0 0 1 0 1 0 2 0 0 1 3\n"
                "Seq_Frame0000_Timestamp = 1\n"));
  ASSERT_TRUE(other.source) << other.error;
  ASSERT_EQ(other.source->streams().size(), 1u);
  EXPECT_TRUE(text::is_utf8(other.source->streams()[0].name()));
  EXPECT_THAT(read("ObjectType = Image\nno key\n").error, HasSubstr("a.mha:2: no `key = value`"));
}

}  // namespace
}  // namespace casebox::recorder
