#include "recorder/sources/vital_source.h"

#include <gmock/gmock.h>

#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using casebox::testing::VitalMaker;
using ::testing::HasSubstr;

VitalMaker small_file() {
  VitalMaker maker;
  maker.track(1, 1, 6, "ECG_II", "mV", 500, 0.005, -40.96);
  maker.track(2, 2, 1, "HR", "/min", 0);
  maker.track(3, 2, 1, "ABP_SYS", "mmHg", 0);
  maker.track(4, 5, 1, "EVENT", "", 0);
  maker.wave(1, 1e9, {1, 2, 3, 65535});
  maker.number(2, 1e9 + 1.5, 60);
  maker.number(3, 1e9 + 1.5, 120);
  maker.text(4, 1e9 + 2, "Incision");
  maker.number(2, 1e9 + 2.5, 61);
  return maker;
}

Result<std::unique_ptr<Source>> vital(const Bytes& bytes) {
  return VitalSource::over(context_of("monitor", "a.vital"), bytes);
}

const Item* find(const Source& source, const std::vector<Item>& items, const std::string& stream,
                 size_t n = 0) {
  for (const Item& item : items)
    if (source.streams()[item.stream].name() == stream && n-- == 0) return &item;
  return nullptr;
}

TEST(VitalSource, WavesAreCodesWithGainAndOffset) {
  auto source = vital(small_file().gzip());
  ASSERT_TRUE(source) << source.error().message;
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  const Item* wave = find(**source, *items, "monitor.ECG_II");
  ASSERT_NE(wave, nullptr);
  EXPECT_EQ(std::get<Samples>(wave->what).columns[0].ints, (std::vector<int64_t>{1, 2, 3, 65535}));
  const v1::Stream& stream = (*source)->streams()[wave->stream];
  EXPECT_EQ(stream.tick_rate_hz().num(), 500u);
  EXPECT_DOUBLE_EQ(stream.channels(0).gain(), 0.005);
  EXPECT_DOUBLE_EQ(stream.channels(0).offset(), -40.96);
  EXPECT_EQ(wave->t.ns, 0);
  EXPECT_EQ(std::get<Samples>(wave->what).t_src, 1'000'000'000'000'000'000);
}

TEST(VitalSource, NumbersThatStandTrackByTrackArePutTogetherByMoment) {
  VitalMaker file;
  file.track(1, 2, 1, "HR", "/min", 0);
  file.track(2, 2, 1, "SPO2", "%", 0);
  file.track(3, 5, 0, "EVENT", "", 0);
  file.track(4, 5, 0, "NOTE", "", 0);
  for (const uint16_t track : {1, 2})
    for (int i = 0; i < 5; ++i) file.number(track, 1.7e9 + i, static_cast<float>(70 * track + i));
  file.text(3, 1.7e9 + 3, "late");
  file.text(4, 1.7e9 + 1, "early");
  auto source = VitalSource::over(context_of("monitor", "a.vital"), file.gzip());
  ASSERT_TRUE(source) << source.error().message;
  auto items = all_items(**source);
  ASSERT_TRUE(items) << items.error().message;
  std::vector<int64_t> times;
  std::vector<double> second;
  std::vector<std::string> texts;
  for (const Item& item : *items) {
    if (const auto* event = std::get_if<v1::Event>(&item.what))
      texts.push_back(event->text().text());
    const auto* samples = std::get_if<Samples>(&item.what);
    if (samples == nullptr) continue;
    times.push_back(item.t.ns / 1'000'000'000);
    ASSERT_EQ(samples->columns.size(), 2u);
    ASSERT_EQ(samples->columns[1].reals.size(), 1u);
    second.push_back(samples->columns[1].reals[0]);
  }
  EXPECT_EQ(times, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(second, (std::vector<double>{140, 141, 142, 143, 144}));
  EXPECT_EQ(texts, (std::vector<std::string>{"early", "late"}));
}

TEST(VitalSource, AClockThatGoesBackIsSaid) {
  VitalMaker file;
  file.track(1, 2, 1, "HR", "/min", 0);
  for (const double t : {0., 1., 60., 5., 6.}) file.number(1, 1.7e9 + t, 70);
  auto source = VitalSource::over(context_of("monitor", "a.vital"), file.gzip());
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, ::testing::HasSubstr("goes back by up to 55 s"));
}

TEST(VitalSource, NumericsOfOneMomentAreOneItem) {
  auto source = vital(small_file().gzip());
  ASSERT_TRUE(source);
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  const Item* first = find(**source, *items, "monitor.numerics");
  const Item* second = find(**source, *items, "monitor.numerics", 1);
  ASSERT_TRUE(first != nullptr && second != nullptr);
  EXPECT_EQ(first->t.ns, 1'500'000'000);
  EXPECT_EQ(std::get<Samples>(first->what).columns[0].reals, std::vector<double>{60});
  EXPECT_EQ(std::get<Samples>(first->what).columns[1].reals, std::vector<double>{120});
  EXPECT_TRUE(std::get<Samples>(second->what).columns[1].reals.empty());
}

TEST(VitalSource, EventsAreTextsAndAResetTakesThemBack) {
  VitalMaker maker = small_file();
  maker.packet(6, Bytes(1, '\6'));
  maker.text(4, 1e9 + 2, "Incision, corrected");
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source);
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  const Item* event = find(**source, *items, "monitor.events");
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(std::get<v1::Event>(event->what).text().text(), "Incision, corrected");
  EXPECT_EQ(find(**source, *items, "monitor.events", 1), nullptr);
}

TEST(VitalSource, KoreanEventsAndLatinUnitsBecomeUtf8) {
  VitalMaker maker;
  maker.track(1, 2, 1, "BT",
              "\xB0"
              "C",
              0);
  maker.track(2, 5, 1, "EVENT", "", 0);
  maker.number(1, 1e9, 37);
  maker.text(2, 1e9 + 1, "\xB8\xB6\xC3\xEB \xBD\xC3\xC0\xDB");
  maker.text(2, 1e9 + 2, "수술 시작");
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->streams()[0].channels(0).unit(), "Cel");
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  const auto text = [&](size_t n) {
    return std::get<v1::Event>(find(**source, *items, "monitor.events", n)->what).text().text();
  };
  EXPECT_EQ(text(0), "마취 시작");
  EXPECT_EQ(text(1), "수술 시작") << "UTF-8 beside it stays";
  EXPECT_TRUE((*source)->skipped().empty());
}

TEST(VitalSource, TextThatCannotBeToldIsKeptAsItsBytesAndSaid) {
  VitalMaker maker;
  maker.track(1, 2, 1, "Dvo\xF8\xE1k/1", "", 0);
  maker.track(2, 5, 1, "EVENT", "", 0);
  maker.number(1, 1e9, 37);
  maker.text(2, 1e9 + 1, "\xFF\xFE\xFD \\");
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->streams()[0].channels(0).name(), "Dvo\\xF8\\xE1k_1");
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  const Item* event = find(**source, *items, "monitor.events");
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(std::get<v1::Event>(event->what).text().text(), "\\xFF\\xFE\\xFD \\\\");
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("cannot be told"));
}

TEST(VitalSource, ALongNameIsCutBetweenCharacters) {
  VitalMaker maker;
  std::string name = "a";
  for (int i = 0; i < 100; ++i) name += "°";
  maker.track(1, 2, 1, name, "", 0);
  maker.number(1, 1e9, 37);
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->streams()[0].channels(0).name(), name.substr(0, 127));
}

TEST(VitalSource, DamageIsToldByTheTracksNumber) {
  VitalMaker maker = small_file();
  maker.track(9, 3, 1, "SECRET", "", 0);
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_EQ((*source)->skipped()[0].reason,
            "track 9 is of type 3, which this reader does not know");
}

TEST(VitalSource, EverythingUpToACutIsKeptAndTheRestIsAGap) {
  VitalMaker maker = small_file();
  for (int i = 0; i < 2000; ++i)  // hard to compress, so that a cut lies among the samples
    maker.wave(1, 1e9 + 3 + i,
               {static_cast<uint16_t>(i * 7919), static_cast<uint16_t>(i * 104729)});
  const Bytes whole = maker.gzip();
  auto source = vital(whole.substr(0, whole.size() / 2));
  ASSERT_TRUE(source) << source.error().message;
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("ends early"));
  EXPECT_GT((*source)->skipped()[0].offset, 0u);
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  size_t waves = 0, gaps = 0;
  for (const Item& item : *items) {
    const auto* gap = std::get_if<v1::Gap>(&item.what);
    gaps += gap != nullptr && gap->origin() == v1::Gap::ORIGIN_DECODE;
    waves += !item.is_gap() && (*source)->streams()[item.stream].name() == "monitor.ECG_II";
  }
  EXPECT_GT(waves, 500u);
  EXPECT_LT(waves, 2001u);
  EXPECT_EQ(gaps, (*source)->streams().size());
}

TEST(VitalSource, ABadRecordIsSkippedAndTheOthersStay) {
  VitalMaker maker = small_file();
  Bytes bad = maker.record(1, 1e9 + 4);
  casebox::testing::put<uint32_t>(bad, 1'000'000);  // more samples than there are
  maker.packet(1, bad);
  maker.wave(1, 1e9 + 5, {7});
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("track 1: "));
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  const Item* gap = find(**source, *items, "monitor.ECG_II", 1);
  const Item* after = find(**source, *items, "monitor.ECG_II", 2);
  ASSERT_TRUE(gap != nullptr && after != nullptr);
  ASSERT_TRUE(gap->is_gap());
  EXPECT_EQ(std::get<v1::Gap>(gap->what).origin(), v1::Gap::ORIGIN_DECODE);
  EXPECT_EQ(std::get<Samples>(after->what).columns[0].ints, std::vector<int64_t>{7});
}

TEST(VitalSource, RefusesWhatIsNoVitalFile) {
  EXPECT_FALSE(vital("not gzip at all"));
  VitalMaker maker;
  EXPECT_THAT(vital(maker.gzip()).error().message, HasSubstr("no records"));
  EXPECT_EQ(VitalSource::open(context_of("m", "/nowhere/x.vital")).error().code, Code::kNotFound);
}

TEST(VitalSource, ReadsRealMonitorFiles) {
  const auto dir = casebox::testing::real_data() / "vitals" / "vital_files";
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no real data at " << dir;
  auto source = VitalSource::open(context_of("monitor", (dir / "test_data_demo.vital").string()));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE((*source)->skipped().empty());
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  std::map<std::string, uint64_t> count;
  for (const Item& item : *items) count[(*source)->streams()[item.stream].name()] += item.count;
  EXPECT_EQ(count["monitor.ECG_II"], 137u * 128);
  EXPECT_EQ(count["monitor.RESP"], 137u * 16);
  EXPECT_EQ(count["monitor.numerics"], 35u);
  EXPECT_EQ(count["monitor.events"], 4u);
}

TEST(VitalSource, AHoleInAWaveIsAGapAndItsUnevennessIsNone) {
  VitalMaker maker = small_file();
  const std::vector<uint16_t> second(500, 7);
  for (const double t : {10.0, 11.02, 12.0, 42.0, 43.0}) maker.wave(1, 1e9 + t, second);
  auto source = vital(maker.gzip());
  ASSERT_TRUE(source);
  const auto items = all_items(**source);
  std::vector<v1::Gap> gaps;
  for (const Item& item : *items)
    if (item.is_gap() && item.t.seconds() > 5) gaps.push_back(std::get<v1::Gap>(item.what));
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].reason(), "missing-rows");
  EXPECT_TRUE(gaps[0].count_unknown());
  EXPECT_EQ(gaps[0].t_end_ns() - gaps[0].t_begin_ns(), 29'000'000'000);
}

TEST(VitalSource, ARecordWithoutATimeIsSetAside) {
  VitalMaker maker = small_file();
  const auto before = vital(maker.gzip());
  maker.wave(1, 0, {7, 8});
  const auto source = vital(maker.gzip());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->length(), (*before)->length());
  ASSERT_EQ((*source)->skipped().size(), (*before)->skipped().size() + 1);
  EXPECT_THAT((*source)->skipped().back().reason, HasSubstr("1 records tell a time before 1973"));
  EXPECT_EQ(all_items(**source)->size(), all_items(**before)->size());
}

}  // namespace
}  // namespace casebox::recorder
