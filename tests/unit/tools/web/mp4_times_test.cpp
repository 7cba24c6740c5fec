#include <gtest/gtest.h>

#include "tools/web/mp4_times.h"

namespace casebox::tools::web {
namespace {

Bytes box(const char* type, const Bytes& content) {
  Bytes out;
  append_be<uint32_t>(out, static_cast<uint32_t>(content.size() + 8));
  return out + type + content;
}

Bytes u32(std::initializer_list<uint32_t> values) {
  Bytes out;
  for (uint32_t value : values) append_be<uint32_t>(out, value);
  return out;
}

Bytes init(uint32_t timescale) {
  return box("ftyp", "isom") +
         box("moov", box("mvhd", Bytes(100, '\0')) +
                         box("trak", box("mdia", box("mdhd", u32({0, 1, 2, timescale, 500, 0})))));
}

Bytes fragment(const Bytes& tfdt, const Bytes& trun) {
  return box("moof",
             box("mfhd", u32({0, 1})) +
                 box("traf", box("tfhd", u32({0, 1})) + box("tfdt", tfdt) + box("trun", trun))) +
         box("mdat", "payload");
}

TEST(Mp4Times, ReadsTheTimescaleOfTheFirstTrack) {
  EXPECT_EQ(media_timescale(init(12800)).value(), 12800u);
}

TEST(Mp4Times, RefusesATimescaleOfZero) { EXPECT_FALSE(media_timescale(init(0))); }

TEST(Mp4Times, AddsTheFirstCompositionOffset) {
  // data offset, first-sample flags, then duration, size, composition offset of one sample.
  const Bytes trun = u32({0x01000000 | 0x1 | 0x4 | 0x100 | 0x200 | 0x800, 1, 100, 0, 512, 7, 1024});
  EXPECT_EQ(first_presentation(fragment(u32({0, 90000}), trun)).value(), 91024);
}

TEST(Mp4Times, TakesANegativeCompositionOffset) {
  const Bytes trun = u32({0x01000000 | 0x800, 1, static_cast<uint32_t>(-512)});
  EXPECT_EQ(first_presentation(fragment(u32({0x01000000, 0, 90000}), trun)).value(), 89488);
}

TEST(Mp4Times, IsTheDecodeTimeWithoutCompositionOffsets) {
  EXPECT_EQ(first_presentation(fragment(u32({0, 42}), u32({0, 3}))).value(), 42);
}

TEST(Mp4Times, RefusesEveryTruncationWithoutReadingBeyondIt) {
  const Bytes whole = fragment(u32({0, 42}), u32({0x01000000 | 0x800, 1, 5}));
  const size_t moof = load_be<uint32_t>(whole.data());
  for (size_t size = 0; size < moof; ++size) {
    const Bytes cut = whole.substr(0, size);  // its own allocation: the sanitizer sees an overrun
    EXPECT_FALSE(first_presentation(cut)) << size;
  }
}

}  // namespace
}  // namespace casebox::tools::web
