#include "recorder/sources/wfdb_source.h"

#include <gmock/gmock.h>

#include <map>

#include "recorder/sources/internal/wfdb_annotations.h"
#include "recorder/sources/internal/wfdb_signals.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

struct Read {
  std::unique_ptr<Source> source;
  std::vector<Item> items;

  std::vector<int64_t> codes(size_t stream, size_t channel = 0) const {
    std::vector<int64_t> out;
    for (const Item& item : items)
      if (const auto* s = std::get_if<Samples>(&item.what); s && item.stream == stream)
        out.insert(out.end(), s->columns[channel].ints.begin(), s->columns[channel].ints.end());
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

Result<std::unique_ptr<Source>> wfdb(const std::string& header,
                                     const std::map<std::string, Bytes>& files) {
  return WfdbSource::over(context_of("m", "r.hea"), header,
                          [files](const std::string& name) -> Result<internal::ByteInput> {
                            const auto found = files.find(name);
                            if (found == files.end()) return Error{Code::kNotFound, name};
                            return internal::ByteInput::over(found->second);
                          });
}

Read read(const std::string& header, const std::map<std::string, Bytes>& files) {
  Read out;
  auto source = wfdb(header, files);
  EXPECT_TRUE(source) << source.error().message;
  if (!source) return out;
  out.source = std::move(*source);
  auto items = all_items(*out.source);
  EXPECT_TRUE(items) << items.error().message;
  if (items) out.items = std::move(*items);
  return out;
}

Bytes words(const std::vector<int>& values) {
  Bytes out;
  for (const int value : values) casebox::testing::put(out, static_cast<int16_t>(value));
  return out;
}

TEST(WfdbSource, EachFormatGivesTheSamplesOfItsDefinition) {
  // Bytes and samples after signal(5).
  const auto samples = [](int format, const Bytes& bytes) {
    auto opened =
        internal::WfdbSamples::open(internal::ByteInput::over(bytes), format, 0, 1, "r.hea");
    EXPECT_TRUE(opened);
    std::vector<int32_t> out;
    opened->read(2, out);
    opened->read(100, out);
    EXPECT_EQ(out.size(), *opened->count());
    return out;
  };
  using Values = std::vector<int32_t>;
  EXPECT_EQ(samples(8, "\x01\xff\x80"), (Values{1, -1, -128}));
  EXPECT_EQ(samples(80, Bytes("\x80\x00\xff", 3)), (Values{0, -128, 127}));
  EXPECT_EQ(samples(16, Bytes("\x01\x00\x00\x80", 4)), (Values{1, -32768}));
  EXPECT_EQ(samples(61, Bytes("\x00\x01\x80\x00", 4)), (Values{1, -32768}));
  EXPECT_EQ(samples(160, Bytes("\x00\x00\x01\x80", 4)), (Values{-32768, 1}));
  EXPECT_EQ(samples(24, Bytes("\x01\x00\x00\x00\x00\x80", 6)), (Values{1, -8388608}));
  EXPECT_EQ(samples(32, Bytes("\xfe\xff\xff\xff", 4)), (Values{-2}));
  // 0x123 and 0x856: low bytes outside, high halves in the middle.
  EXPECT_EQ(samples(212, Bytes("\x23\x81\x56", 3)), (Values{0x123, 0x856 - 0x1000}));
  EXPECT_EQ(samples(212, Bytes("\x23\x81\x56\x07\x0f", 5)), (Values{0x123, 0x856 - 0x1000, -249}));
  // 311: ten bits each from the lowest up: 1, -1, 256.
  EXPECT_EQ(samples(311, Bytes("\x01\xfc\x0f\x10", 4)), (Values{1, -1, 256}));
  // 310: two of bits 11..1 of each word, one of the top five bits of both.
  EXPECT_EQ(samples(310, Bytes("\x02\x08\xfe\x0f", 4)), (Values{1, -1, 1 | 1 << 5}));
  const auto other = internal::WfdbSamples::open(internal::ByteInput::over(""), 99, 0, 1, "r.hea");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("format 99"));
}

TEST(WfdbSource, SignalsShareAStreamOfCodesWithGainAndOffset) {
  const Read got = read(
      "r 2 100 4 10:20:30.5 31/12/2020\n"
      "r.dat 16 200(10)/mV 12 0 1 10 0 ECG II\n"
      "r.dat 16 1/mmHg 12 0 5 26 0 ABP\n# <age>: 81\n",
      {{"r.dat", words({1, 5, 2, 6, 3, 7, 4, 8})}});
  ASSERT_EQ(got.source->streams().size(), 1u);
  const v1::Stream& stream = got.source->streams()[0];
  EXPECT_EQ(stream.name(), "m.waves");
  EXPECT_EQ(stream.channels(0).name(), "ECG II");
  EXPECT_EQ(stream.channels(1).unit(), "mm[Hg]");
  EXPECT_DOUBLE_EQ(stream.channels(0).gain(), 1.0 / 200);
  EXPECT_DOUBLE_EQ(stream.channels(0).offset(), -0.05);
  EXPECT_EQ(got.codes(0, 0), (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(got.codes(0, 1), (std::vector<int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(got.source->wall().kind, Wall::Kind::kLocal);
  EXPECT_EQ(got.source->wall().ns, 1'609'410'030 * kSecond + kSecond / 2);
  EXPECT_THAT(got.said(), HasSubstr("remarks may tell of a patient"));
  EXPECT_EQ(got.said().find("81"), std::string::npos);
  EXPECT_EQ(got.said().find("checksum"), std::string::npos);
}

TEST(WfdbSource, ASampleThatIsNoneIsMissingAndOfAllChannelsAGap) {
  const Read got = read("r 2 100 4\nr.dat 16 200/mV 12 0 0 0 0 A\nr.dat 16 200/mV 12 0 0 0 0 B\n",
                        {{"r.dat", words({1, 5, -32768, 6, -32768, -32768, 4, 8})}});
  EXPECT_EQ(got.codes(0, 1), (std::vector<int64_t>{5, 6, 8}));
  const auto& first = std::get<Samples>(got.items[0].what);
  EXPECT_EQ(first.columns[0].missing, (std::vector<bool>{false, true}));
  ASSERT_EQ(got.gaps(0).size(), 1u);
  EXPECT_EQ(got.gaps(0)[0].missing(), 1u);
  EXPECT_EQ(got.gaps(0)[0].reason(), "invalid-samples");
  EXPECT_EQ(got.gaps(0)[0].t_begin_ns(), kSecond / 50);
}

TEST(WfdbSource, RatesAndSkewsHaveStreamsOfTheirOwn) {
  const Read got = read(
      "r 3 10 2\nr.dat 16x2 200 12 0 0 0 0 fast\nr.dat 16 200 12 0 0 0 0 slow\n"
      "r.dat 16:1 200 12 0 0 0 0 late\n",
      {{"r.dat", words({1, 2, 10, 100, 3, 4, 20, 200})}});
  ASSERT_EQ(got.source->streams().size(), 3u);
  EXPECT_EQ(got.source->streams()[0].tick_rate_hz().num(), 20u);
  EXPECT_EQ(got.codes(0), (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(got.codes(1), (std::vector<int64_t>{10, 20}));
  EXPECT_EQ(got.codes(2), (std::vector<int64_t>{100, 200}));
  for (const Item& item : got.items)
    EXPECT_EQ(item.t.ns, item.stream == 2 ? 0 : kSecond / 10) << item.stream;
}

TEST(WfdbSource, DifferencesAddUpFromTheFirstValue) {
  const Read got = read("r 2 100 3\nr.dat 8 200 12 0 100 0 0 A\nr.dat 8 200 12 0 -5 0 0 B\n",
                        {{"r.dat", Bytes("\x01\x02\x01\x02\xff\x02", 6)}});
  EXPECT_EQ(got.codes(0, 0), (std::vector<int64_t>{101, 102, 101}));
  EXPECT_EQ(got.codes(0, 1), (std::vector<int64_t>{-3, -1, 1}));
}

TEST(WfdbSource, ChecksumsAreChecked) {
  const std::string header = "r 1 100 3\nr.dat 16 200 12 0 1 7 0 A\n";
  EXPECT_THAT(read(header, {{"r.dat", words({1, 2, 3})}}).said(), HasSubstr("checksum"));
  EXPECT_EQ(read(header, {{"r.dat", words({1, 2, 4})}}).said(), "");
}

TEST(WfdbSource, FilesThatEndEarlyOrAreNotThereAreGapsToTheEnd) {
  const Read cut = read("r 1 10 10\nr.dat 16 200 12 0 1 7 0 A\n", {{"r.dat", words({1, 2, 3})}});
  EXPECT_EQ(cut.codes(0), (std::vector<int64_t>{1, 2, 3}));
  ASSERT_EQ(cut.gaps(0).size(), 1u);
  EXPECT_EQ(cut.gaps(0)[0].missing(), 7u);
  EXPECT_EQ(cut.gaps(0)[0].reason(), "file-damaged");
  EXPECT_EQ(cut.gaps(0)[0].t_end_ns(), kSecond);
  const Read none = read("r 1 10 10\nr.dat 16 200 12 0 1 7 0 A\n", {});
  ASSERT_EQ(none.gaps(0).size(), 1u);
  EXPECT_EQ(none.gaps(0)[0].missing(), 10u);
  EXPECT_THAT(none.said(), HasSubstr("not beside the header"));
  const Read outside =
      read("r 1 10 10\n../r.dat 16 200 12 0 1 7 0 A\n", {{"../r.dat", words({1})}});
  EXPECT_THAT(outside.said(), HasSubstr("another folder"));
  const Read untold = read("r 1 10\nr.dat 16 200 12 0 1 6 0 A\n", {{"r.dat", words({1, 2, 3})}});
  EXPECT_EQ(untold.codes(0), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(untold.said(), "");
}

TEST(WfdbSource, SegmentsFollowEachOtherAndWhatTheyHaveNotIsAGap) {
  const Read got =
      read("r/5 2 10 18\nlayout 0\ns1 4\n~ 5\ns2 4\ns3 5\n",
           {{"layout.hea", "layout 2 10 0\n~ 0 200/mV 12 0 0 0 0 A\n~ 0 1 12 0 0 0 0 B\n"},
            {"s1.hea", "s1 2 10 4\ns1.dat 16 200/mV 12 0 0 0 0 A\ns1.dat 16 1 12 0 0 0 0 B\n"},
            {"s1.dat", words({1, 5, 2, 6, 3, 7, 4, 8})},
            {"s2.hea", "s2 1 10 4\ns2.dat 16 100/mV 12 0 0 0 0 A\n"},
            {"s2.dat", words({100, 200, 300, 400})}});
  ASSERT_EQ(got.source->streams().size(), 2u);
  EXPECT_EQ(got.source->streams()[0].name(), "m.A");
  // The gain of A changes: physical numbers.
  EXPECT_EQ(got.source->streams()[0].channels(0).type(), v1::SAMPLE_TYPE_F64);
  std::vector<double> values;
  for (const Item& item : got.items)
    if (const auto* s = std::get_if<Samples>(&item.what); s && item.stream == 0)
      values.insert(values.end(), s->columns[0].reals.begin(), s->columns[0].reals.end());
  EXPECT_EQ(values, (std::vector<double>{0.005, 0.01, 0.015, 0.02, 1, 2, 3, 4}));
  EXPECT_EQ(got.codes(1), (std::vector<int64_t>{5, 6, 7, 8}));
  std::string a, b;
  for (const v1::Gap& gap : got.gaps(0))
    a += gap.reason() + " " + std::to_string(gap.missing()) + "; ";
  for (const v1::Gap& gap : got.gaps(1))
    b += gap.reason() + " " + std::to_string(gap.missing()) + "; ";
  EXPECT_EQ(a, "missing-rows 5; segment-missing 5; ");
  EXPECT_EQ(b, "missing-rows 5; signal-absent 4; segment-missing 5; ");
  EXPECT_THAT(got.said(), HasSubstr("gain of signal 1 changes"));
  EXPECT_THAT(got.said(), HasSubstr("segment 5 cannot be read"));
}

TEST(WfdbSource, AnnotationsAreEventsAtTheirSamples) {
  Bytes atr;
  const auto word = [&](int type, int value) {
    casebox::testing::put(atr, static_cast<uint16_t>(type << 10 | value));
  };
  word(28, 18);  // "+" at 18, with a text
  word(63, 3);
  atr += Bytes("(N\0\0", 4);
  word(59, 0);  // 70,000 on
  casebox::testing::put<uint16_t>(atr, 1);
  casebox::testing::put<uint16_t>(atr, 4464);
  word(5, 0);  // "V"
  word(61, 2);
  word(0, 0);
  const auto list = internal::read_wfdb_annotations(atr);
  ASSERT_EQ(list.all.size(), 2u);
  EXPECT_TRUE(list.whole);
  EXPECT_EQ(list.all[1].at, 70'018);
  const Read got = read("r 1 100 4\nr.dat 16 200 12 0 0 0 0 A\n",
                        {{"r.dat", words({1, 2, 3, 4})}, {"r.atr", atr}});
  ASSERT_EQ(got.source->streams().size(), 2u);
  std::vector<std::string> texts;
  for (const Item& item : got.items)
    if (const auto* event = std::get_if<v1::Event>(&item.what))
      texts.push_back(event->text().code() + "|" + event->text().text() + "|" +
                      std::to_string(item.t.ns / 10'000'000));
  EXPECT_EQ(texts, (std::vector<std::string>{"+|(N|18", "V|subtype=2|70018"}));
}

TEST(WfdbSource, AHeaderThatCannotBeReadIsRefusedWithItsLine) {
  for (const auto& [header, line, what] :
       {std::tuple{"# only a remark\n", 1, "no record"},
        std::tuple{"r x\n", 1, "number of signals"}, std::tuple{"r 1 0 4\nr.dat 16\n", 1, "rate"},
        std::tuple{"r 1 10 4\nr.dat 16x0\n", 2, "signal"},
        std::tuple{"r 2 10 4\nr.dat 16\n", 2, "ends before"},
        std::tuple{"r/0 1 10 4\n", 1, "segments"},
        std::tuple{"r/1 1 10 4\ns1 many\n", 2, "segment"},
        std::tuple{"r 9999 10\n", 1, "signals"}}) {
    auto source = wfdb(header, {});
    ASSERT_FALSE(source) << header;
    EXPECT_THAT(source.error().message, HasSubstr("r.hea:" + std::to_string(line)));
    EXPECT_THAT(source.error().message, HasSubstr(what));
  }
}

}  // namespace
}  // namespace casebox::recorder
