#include "recorder/sources/xdf_source.h"

#include <gmock/gmock.h>

#include <cmath>

#include "recorder/sources/internal/clock_fit.h"
#include "tests/unit/recorder/sources/made_xdf.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using casebox::testing::XdfMaker;
using ::testing::HasSubstr;
using Stamps = std::vector<std::optional<double>>;

constexpr int64_t kSecond = 1'000'000'000;

struct Read {
  std::unique_ptr<Source> source;
  std::vector<Item> items;

  std::vector<double> reals(size_t stream) const {
    std::vector<double> out;
    for (const Item& item : items)
      if (const auto* s = std::get_if<Samples>(&item.what); s && item.stream == stream)
        out.insert(out.end(), s->columns[0].reals.begin(), s->columns[0].reals.end());
    return out;
  }
  std::vector<v1::Gap> gaps(size_t stream) const {
    std::vector<v1::Gap> out;
    for (const Item& item : items)
      if (item.is_gap() && item.stream == stream) out.push_back(std::get<v1::Gap>(item.what));
    return out;
  }
  std::string said() const {
    std::string out;
    for (const Skipped& one : source->skipped()) out += one.reason + "\n";
    return out;
  }
};

Read read(const Bytes& bytes) {
  Read out;
  auto source = XdfSource::over(context_of("lsl", "a.xdf"), bytes);
  EXPECT_TRUE(source) << source.error().message;
  if (!source) return out;
  out.source = std::move(*source);
  auto items = all_items(*out.source);
  EXPECT_TRUE(items) << items.error().message;
  if (items) out.items = std::move(*items);
  return out;
}

TEST(XdfSource, StreamsBecomeSamplesAndTextsBecomeEvents) {
  XdfMaker file;
  file.stream(7, "EEG &amp; co", 1, "4", "float32",
              "<channels><channel><label>Cz</label><unit>microvolts</unit></channel></channels>");
  file.stream(9, "Marks", 1, "0", "string");
  file.stream(11, "Empty", 1, "0", "int16");
  file.samples<float>(7, Stamps{100.0, {}, {}, {}}, {1, 2, 3, 4});
  file.samples<std::string>(9, Stamps{100.5}, {"go"});
  file.samples<float>(7, Stamps{101.0, {}}, {5, 6});
  const Read got = read(file.bytes());
  ASSERT_EQ(got.source->streams().size(), 3u);
  const v1::Stream& eeg = got.source->streams()[0];
  EXPECT_EQ(eeg.name(), "lsl.EEG & co");
  EXPECT_EQ(eeg.tick_rate_hz().num(), 4u);
  EXPECT_EQ(eeg.channels(0).name(), "Cz");
  EXPECT_EQ(eeg.channels(0).unit(), "uV");
  EXPECT_EQ(got.reals(0), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(got.gaps(0).empty());
  for (const Item& item : got.items) {
    if (item.stream != 1) continue;
    EXPECT_EQ(std::get<v1::Event>(item.what).text().text(), "go");
    EXPECT_EQ(item.t.ns, kSecond / 2);
    EXPECT_EQ(std::get<v1::Event>(item.what).t_src(), 100 * kSecond + kSecond / 2);
  }
  EXPECT_THAT(got.said(), HasSubstr("stream 3 holds no samples"));
  EXPECT_THAT(got.said(), HasSubstr("stream 1 tells nothing of its clock"));
}

TEST(XdfSource, TimesAreBroughtToTheRecordingMachinesClock) {
  XdfMaker file;
  file.stream(1, "A", 1, "1", "double64");
  file.stream(2, "B", 1, "1", "double64");
  for (int i = 0; i < 20; ++i) {
    file.clock(1, 1000 + 5.0 * i, -990 + 0.0005 * i);  // drifts by 100 ppm
    file.clock(2, 10 + 5.0 * i, i == 7 ? 3.0 : 0.0);   // one measurement is far off
  }
  file.samples<double>(1, Stamps{1050.0}, {1});
  file.samples<double>(2, Stamps{70.0}, {2});
  const Read got = read(file.bytes());
  ASSERT_EQ(got.items.size(), 2u);
  EXPECT_NEAR(static_cast<double>((got.items[1].t - got.items[0].t).ns) * 1e-9,
              70 - (1050 - 990 + 0.005), 1e-6);
  EXPECT_EQ(std::get<Samples>(got.items[0].what).t_src, 1050 * kSecond);
  const auto clocks = got.source->clocks();
  ASSERT_EQ(clocks.size(), 2u);
  EXPECT_NEAR(clocks[0].rate_ppm, 100, 1);
}

TEST(XdfSource, AClockThatWasResetGivesAGapAndNotTimesTwice) {
  XdfMaker file;
  file.stream(1, "A", 1, "1", "double64");
  for (int i = 0; i < 10; ++i) file.clock(1, 5000 + 5.0 * i, 0);
  file.samples<double>(1, Stamps{5000.0, 5001.0}, {1, 2});
  for (int i = 0; i < 10; ++i) file.clock(1, 3 + 5.0 * i, 5100);
  file.samples<double>(1, Stamps{4.0, 5.0}, {3, 4});
  const Read got = read(file.bytes());
  EXPECT_EQ(got.reals(0), (std::vector<double>{1, 2, 3, 4}));
  const auto gaps = got.gaps(0);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].reason(), "clock-reset");
  EXPECT_EQ(gaps[0].t_begin_ns(), 2 * kSecond);
  EXPECT_EQ(gaps[0].t_end_ns(), 104 * kSecond);
  EXPECT_THAT(got.said(), HasSubstr("was reset 1 times"));
  for (const Skipped& one : got.source->skipped()) EXPECT_FALSE(one.damage) << "nothing is lost";
}

TEST(XdfSource, ATimeThatGoesBackWithoutAClockStandsBehindWhatWasThere) {
  XdfMaker file;
  file.stream(1, "A", 1, "1", "double64");
  file.samples<double>(1, Stamps{100.0, 101.0, 50.0, 51.0}, {1, 2, 3, 4});
  const Read got = read(file.bytes());
  ASSERT_EQ(got.gaps(0).size(), 1u);
  EXPECT_EQ(got.gaps(0)[0].reason(), "clock-reset");
  const Item& behind = got.items[got.items.size() - 2];
  EXPECT_EQ(behind.t.ns, 2 * kSecond);
  EXPECT_EQ(std::get<Samples>(behind.what).t_src, 50 * kSecond);
  EXPECT_THAT(got.said(), HasSubstr("goes back 1 times"));
}

TEST(XdfSource, APauseOfAnEvenStreamIsAGapOfKnownCount) {
  XdfMaker file;
  file.stream(1, "A", 1, "10", "int32");
  file.samples<int32_t>(1, Stamps{1.0, {}, {}}, {1, 2, 3});
  file.samples<int32_t>(1, Stamps{5.3, {}}, {4, 5});
  const Read got = read(file.bytes());
  ASSERT_EQ(got.gaps(0).size(), 1u);
  EXPECT_EQ(got.gaps(0)[0].missing(), 40u);
  EXPECT_EQ(got.gaps(0)[0].reason(), "missing-rows");
}

TEST(XdfSource, WhatIsNoNumberIsMissing) {
  XdfMaker file;
  file.stream(1, "A", 1, "10", "float32");
  file.samples<float>(1, Stamps{1.0, {}, {}, {}}, {1, NAN, NAN, 4});
  const Read got = read(file.bytes());
  EXPECT_EQ(got.reals(0), (std::vector<double>{1, 4}));
  ASSERT_EQ(got.gaps(0).size(), 1u);
  EXPECT_EQ(got.gaps(0)[0].missing(), 2u);
  EXPECT_EQ(got.gaps(0)[0].reason(), "invalid-samples");
}

TEST(XdfSource, DamageCostsWhatStandsUpToTheNextBoundary) {
  XdfMaker file;
  file.stream(1, "A", 1, "10", "double64");
  file.samples<double>(1, Stamps{1.0}, {1});
  file.raw(Bytes("\x07garbage and more of it"));
  file.boundary();
  file.samples<double>(1, Stamps{2.0}, {2});
  const Read got = read(file.bytes());
  EXPECT_EQ(got.reals(0), (std::vector<double>{1, 2}));
  EXPECT_THAT(got.said(), HasSubstr("bytes that are no chunk"));
  ASSERT_GE(got.gaps(0).size(), 1u);
  EXPECT_EQ(got.gaps(0)[0].reason(), "file-damaged");

  const Bytes all = file.bytes();
  const Read cut = read(all.substr(0, all.size() - 5));
  EXPECT_EQ(cut.reals(0), (std::vector<double>{1}));
  EXPECT_THAT(cut.said(), HasSubstr("ends inside a chunk"));
  for (size_t n = 0; n < all.size(); ++n) {
    auto source = XdfSource::over(context_of("lsl", "a.xdf"), all.substr(0, n));
    if (source) EXPECT_TRUE(all_items(**source)) << n;
  }
}

TEST(XdfSource, WhatIsNoXdfIsRefused) {
  auto source = XdfSource::over(context_of("lsl", "a.xdf"), "RIFF");
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("a.xdf:0"));
  source = XdfSource::over(context_of("lsl", "a.xdf"), XdfMaker().bytes());
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("without a stream"));
}

}  // namespace
}  // namespace casebox::recorder
