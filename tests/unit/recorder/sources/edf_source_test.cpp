#include "recorder/sources/edf_source.h"

#include <gmock/gmock.h>

#include "tests/unit/recorder/sources/made_edf.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using casebox::testing::edf_plus;
using casebox::testing::EdfMaker;
using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

Result<std::unique_ptr<Source>> edf(const Bytes& bytes) {
  return EdfSource::over(context_of("m", "a.edf"), bytes);
}

std::vector<Item> items_of(Source& source) {
  auto items = all_items(source);
  EXPECT_TRUE(items) << items.error().message;
  return items ? std::move(*items) : std::vector<Item>{};
}

/// Codes of a channel one behind the other.
std::vector<int64_t> codes(const std::vector<Item>& items, size_t stream, size_t channel) {
  std::vector<int64_t> out;
  for (const Item& item : items)
    if (const auto* samples = std::get_if<Samples>(&item.what); samples && item.stream == stream)
      out.insert(out.end(), samples->columns[channel].ints.begin(),
                 samples->columns[channel].ints.end());
  return out;
}

std::vector<v1::Gap> gaps(const std::vector<Item>& items, size_t stream) {
  std::vector<v1::Gap> out;
  for (const Item& item : items)
    if (item.is_gap() && item.stream == stream) out.push_back(std::get<v1::Gap>(item.what));
  return out;
}

TEST(EdfSource, SignalsOfOneRateShareAStreamOfScaledCodes) {
  auto source = edf(edf_plus('C', {0, 1, 2}).bytes());
  ASSERT_TRUE(source) << source.error().message;
  const auto& streams = (*source)->streams();
  ASSERT_EQ(streams.size(), 3u);
  EXPECT_EQ(streams[0].name(), "m.numerics");
  EXPECT_EQ(streams[1].name(), "m.waves");
  EXPECT_EQ(streams[2].name(), "m.events");
  EXPECT_EQ(streams[0].channels_size(), 2);
  EXPECT_EQ(streams[1].tick_rate_hz().num(), 20u);
  EXPECT_EQ(streams[0].channels(0).name(), "SpO2");
  EXPECT_DOUBLE_EQ(streams[0].channels(0).gain(), 0.1);
  EXPECT_DOUBLE_EQ(streams[1].channels(0).gain(), 0.25);
  EXPECT_EQ(streams[1].channels(0).unit(), "uV");
  const auto items = items_of(**source);
  std::vector<int64_t> wanted(60);
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<int64_t>(i);
  EXPECT_EQ(codes(items, 1, 0), wanted);
  EXPECT_EQ(codes(items, 0, 1).back(), -11);
  EXPECT_TRUE(gaps(items, 0).empty());
  EXPECT_EQ((*source)->wall().kind, Wall::Kind::kLocal);
  EXPECT_EQ((*source)->wall().ns, 1'614'680'430 * kSecond);  // 2021-03-02 10:20:30
  EXPECT_TRUE((*source)->skipped().empty());
}

TEST(EdfSource, AnnotationsAreEventsWithTheirLengths) {
  auto source = edf(edf_plus('C', {0.25, 1.25, 2.25}).bytes());
  ASSERT_TRUE(source) << source.error().message;
  std::vector<Item> events;
  for (Item& item : items_of(**source))
    if (item.stream == 2) events.push_back(std::move(item));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(std::get<v1::Event>(events[0].what).text().text(), "note 0");
  EXPECT_EQ(events[0].t.ns, 0);  // the file begins with its first record
  const auto& second = std::get<v1::Event>(events[1].what);
  EXPECT_EQ(second.interval().label(), "note 1");
  EXPECT_EQ(second.interval().duration_ns(), 5 * kSecond / 2);
  EXPECT_EQ(events[1].t.ns, kSecond);
}

TEST(EdfSource, TheTimeBetweenRecordsOfADiscontinuousFileIsAGapOfKnownCount) {
  auto source = edf(edf_plus('D', {0, 1, 12.5}).bytes());
  ASSERT_TRUE(source) << source.error().message;
  const auto items = items_of(**source);
  const auto slow = gaps(items, 0), fast = gaps(items, 1);
  ASSERT_EQ(slow.size(), 1u);
  EXPECT_EQ(slow[0].missing(), 42u);  // 10.5 s at 4 Hz
  EXPECT_EQ(slow[0].reason(), "recording-paused");
  EXPECT_EQ(slow[0].t_begin_ns(), 2 * kSecond);
  EXPECT_EQ(slow[0].t_end_ns(), 25 * kSecond / 2);
  ASSERT_EQ(fast.size(), 1u);
  EXPECT_EQ(fast[0].missing(), 210u);
  EXPECT_EQ((*source)->length().ns, 27 * kSecond / 2);
}

TEST(EdfSource, ARecordThatTellsATimeBeforeTheLastOneStandsBehindIt) {
  auto source = edf(edf_plus('D', {0, 5, 1}).bytes());
  ASSERT_TRUE(source) << source.error().message;
  const auto items = items_of(**source);
  const auto all = gaps(items, 1);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].reason(), "clock-reset");
  EXPECT_EQ(all[1].t_begin_ns(), 6 * kSecond);
  EXPECT_EQ(codes(items, 1, 0).size(), 60u);
  EXPECT_THAT((*source)->skipped().back().reason, HasSubstr("1 records tell a time before"));
  EXPECT_TRUE((*source)->skipped().back().damage);
}

TEST(EdfSource, RecordsThatAreNotThereAreAGapToTheirEnd) {
  Bytes bytes = edf_plus('C', {0, 1, 2, 3}).bytes();
  bytes.resize(bytes.size() - 100);  // inside the last record
  auto source = edf(bytes);
  ASSERT_TRUE(source) << source.error().message;
  const auto items = items_of(**source);
  EXPECT_EQ(codes(items, 1, 0).size(), 60u);
  const auto all = gaps(items, 1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].missing(), 20u);
  EXPECT_EQ(all[0].reason(), "file-damaged");
  EXPECT_EQ(all[0].t_end_ns(), 4 * kSecond);
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_TRUE((*source)->skipped()[0].damage);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("3 of 4 records"));
}

TEST(EdfSource, WhoeverTheHeaderNamesIsLeftOut) {
  EdfMaker file = edf_plus('C', {0});
  file.patient = "MCH-0234567 F 02-MAY-1951 Haagse_Harry";
  auto source = edf(file.bytes());
  ASSERT_TRUE(source) << source.error().message;
  std::string all;
  for (const v1::Stream& stream : (*source)->streams()) all += stream.SerializeAsString();
  for (const Item& item : items_of(**source))
    if (const auto* event = std::get_if<v1::Event>(&item.what)) all += event->SerializeAsString();
  ASSERT_EQ((*source)->skipped().size(), 1u);
  all += (*source)->skipped()[0].reason;
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("left out"));
  for (const char* said : {"Haagse", "0234567", "1951"})
    EXPECT_EQ(all.find(said), all.npos) << said;
}

TEST(EdfSource, BdfHasSamplesOf24Bits) {
  EdfMaker file;
  file.version = "bdf";
  file.signals = {{"EEG", "uV", 3, -8000, 8000, -8388608, 8388607}};
  file.record({{-8388608, -1, 8388607}});
  auto source = edf(file.bytes());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(codes(items_of(**source), 0, 0), (std::vector<int64_t>{-8388608, -1, 8388607}));
}

TEST(EdfSource, AHeaderThatCannotBeIsRefusedWithItsPlace) {
  EdfMaker file = edf_plus('C', {0});
  const Bytes good = file.bytes();
  for (const auto& [at, value, what] : {std::tuple{184, "9999    ", "size of itself"},
                                        std::tuple{236, "many    ", "number of records"},
                                        std::tuple{244, "-1      ", "length of a record"},
                                        std::tuple{252, "0   ", "number of signals"},
                                        std::tuple{252, "9999", "number of signals"}}) {
    Bytes bad = good;
    bad.replace(static_cast<size_t>(at), std::string(value).size(), value);
    auto source = edf(bad);
    ASSERT_FALSE(source) << what;
    EXPECT_THAT(source.error().message, HasSubstr("a.edf:" + std::to_string(at)));
    EXPECT_THAT(source.error().message, HasSubstr(what));
    EXPECT_THAT(source.error().message, HasSubstr("; "));
  }
  for (size_t n = 0; n < good.size(); n += 7) {
    auto source = edf(good.substr(0, n));
    if (source) items_of(**source);
    EXPECT_TRUE(source || n < 5 * 256) << n;
  }
}

}  // namespace
}  // namespace casebox::recorder
