#include "recorder/sources/csv_source.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::HasSubstr;
using ::testing::Not;

Result<std::unique_ptr<Source>> csv(const std::string& text, const std::string& name = "twin") {
  return CsvSource::parse(context_of(name, "a.csv"), text);
}

TEST(CsvSource, ReadsNamesUnitsAndTheRateOfAnEvenTable) {
  auto source = csv("Time(s),HR(1/min),P(mmHg)\n0.02,70.5,90\n0.04,70.6,91\n0.06,70.7,-3\n");
  ASSERT_TRUE(source) << source.error().message;
  const v1::Stream& stream = (*source)->streams().at(0);
  EXPECT_EQ(stream.name(), "twin.series");
  EXPECT_EQ(stream.kind(), v1::STREAM_KIND_TWIN_SERIES);
  EXPECT_EQ(stream.tick_rate_hz().num(), 50u);
  EXPECT_EQ(stream.channels(0).unit(), "/min");
  EXPECT_EQ(stream.channels(0).type(), v1::SAMPLE_TYPE_INT);
  EXPECT_EQ(stream.channels(0).decimals(), 1u);
  EXPECT_EQ(stream.channels(1).unit(), "mm[Hg]");
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 1u);
  EXPECT_EQ(items->front().t.ns, 20'000'000);
  const auto& samples = std::get<Samples>(items->front().what);
  EXPECT_EQ(samples.columns[0].ints, (std::vector<int64_t>{705, 706, 707}));
  EXPECT_EQ(samples.columns[1].ints, (std::vector<int64_t>{90, 91, -3}));
  EXPECT_EQ(samples.t_src_step, 20'000'000);
}

TEST(CsvSource, KeepsTheFormInWhichNumbersAreWritten) {
  auto source =
      csv("t,fixed,general,mixed,nan\n0,1.50,1.70498e-14,1e3,-1.$\n1,2.25,0.0439278,1000,-1.$\n");
  ASSERT_TRUE(source) << source.error().message;
  const v1::Stream& stream = (*source)->streams().at(0);
  EXPECT_EQ(stream.channels(0).type(), v1::SAMPLE_TYPE_INT);
  EXPECT_EQ(stream.channels(1).text().style(), v1::TextFormat::STYLE_GENERAL);
  EXPECT_EQ(stream.channels(1).text().precision(), 6u);
  EXPECT_EQ(stream.channels(3).text().nan(), "-1.$");
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("column 4"));
  EXPECT_THAT((*source)->skipped()[0].reason, Not(HasSubstr("mixed")));
}

TEST(CsvSource, EmptyCellsAreMissingSamples) {
  auto source = csv("t,a\n0,1\n1,\n2,3\n");
  ASSERT_TRUE(source);
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  EXPECT_EQ(std::get<Samples>((*items)[0].what).columns[0].missing,
            (std::vector<bool>{false, true, false}));
}

TEST(CsvSource, RowsMissingFromAnEvenGridAreAGapOfKnownCount) {
  auto source = csv("t,a\n0,1\n1,2\n2,3\n6,4\n7,5\n8,6\n");
  ASSERT_TRUE(source);
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 3u);
  const auto& gap = std::get<v1::Gap>((*items)[1].what);
  EXPECT_EQ(gap.missing(), 3u);
  EXPECT_EQ(gap.t_begin_ns(), 3'000'000'000);
  EXPECT_EQ(gap.t_end_ns(), 6'000'000'000);
}

TEST(CsvSource, UnevenTimesAreKeptRowByRow) {
  auto source = csv("t,a\n0,1\n0.3,2\n1.7,3\n2.1,4\n");
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->streams()[0].tick_rate_hz().num(), 0u);
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 4u);
  EXPECT_EQ((*items)[2].t.ns, 1'700'000'000);
}

TEST(CsvSource, AWrongCellIsNamedWithLineAndColumn) {
  auto source = csv("Time(s),HR\n0,70\n1,broken\n");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Code::kInvalidArgument);
  EXPECT_THAT(source.error().message, HasSubstr("a.csv:3: column 2: "));
}

TEST(CsvSource, ErrorsQuoteNoCellAndNoColumn) {
  for (const char* text :
       {"t,SECRET\n0,SECRET\n", "t,SECRET\nSECRET,1\n", "t,SECRET\n0,1\n-SECRET,1\n",
        "t,SECRET\n5,1\n4,1\n", "t,SECRET\n0,1,SECRET\n", "SECRET,a\n0,1\n", "t,SECRET\n"}) {
    const auto source = csv(text);
    ASSERT_FALSE(source) << text;
    EXPECT_THAT(source.error().message, Not(HasSubstr("SECRET"))) << text;
  }
}

TEST(CsvSource, UnitsAndNamesInLatin1BecomeUtf8) {
  auto source =
      csv("t,temp(\xB0"
          "C),dose(\xB5g/kg),M\xFCller\n0,37,1,2\n1,38,2,3\n");
  ASSERT_TRUE(source) << source.error().message;
  const v1::Stream& stream = (*source)->streams()[0];
  EXPECT_EQ(stream.channels(0).unit(), "Cel");
  EXPECT_EQ(stream.channels(1).unit(), "ug/kg");
  EXPECT_EQ(stream.channels(2).name(), "Müller");
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_EQ((*source)->skipped()[0].reason, "text in windows-1252; kept as UTF-8");
  EXPECT_FALSE((*source)->skipped()[0].damage);
}

TEST(CsvSource, Utf16AndKoreanTablesAreRead) {
  auto utf16 =
      csv(Bytes("\xFF\xFE"
                "t\0,\0a\0(\0\xB0\0C\0)\0\n\0"
                "0\0,\0"
                "1\0\n\0"
                "1\0,\0"
                "2\0\n\0",
                34));
  ASSERT_TRUE(utf16) << utf16.error().message;
  EXPECT_EQ((*utf16)->streams()[0].channels(0).unit(), "Cel");
  auto korean = csv("t,\xBD\xC9\xB9\xDA\xBC\xF6(\xA1\xC9),b\n0,1,2\n1,2,3\n");
  ASSERT_TRUE(korean) << korean.error().message;
  EXPECT_EQ((*korean)->streams()[0].channels(0).name(), "심박수");
  EXPECT_EQ((*korean)->streams()[0].channels(0).unit(), "Cel");
}

TEST(CsvSource, TextThatCannotBeToldIsKeptAsItsBytesUnlessItIsDeclared) {
  const std::string text = "t,Dvo\xF8\xE1k\n0,37\n1,38\n";
  auto source = csv(text);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->streams()[0].channels(0).name(), "Dvo\\xF8\\xE1k");
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("cannot be told"));

  Context context = context_of("twin", "a.csv");
  context.config.set_encoding("windows-1250");
  auto declared = CsvSource::parse(context, text);
  ASSERT_TRUE(declared);
  EXPECT_EQ((*declared)->streams()[0].channels(0).name(), "Dvořák");
  context.config.set_encoding("latin-nine-hundred");
  EXPECT_FALSE(CsvSource::parse(context, text));
}

TEST(CsvSource, TimesBeyondAnyClockAreErrorsOrStayInRange) {
  EXPECT_FALSE(csv("t,a\n1e999,1\n"));
  EXPECT_FALSE(csv("t,a\n0,1\n9e9,1\n"));
  EXPECT_FALSE(csv("t(min),a\n0,1\n9e9,1\n"));
  EXPECT_FALSE(csv("t,a\nnan,1\n"));
  auto wide = csv("t,a\n-3e9,1\n3e9,2\n");
  ASSERT_TRUE(wide) << wide.error().message;
  EXPECT_TRUE(all_items(**wide));
  Context context = context_of("twin", "a.csv");
  for (const double start : {1e300, -1e300, std::nan(""), double{INFINITY}}) {
    context.config.set_start_s(start);
    EXPECT_FALSE(CsvSource::parse(context, "t,a\n0,1\n1,2\n")) << start;
  }
}

TEST(CsvSource, RefusesRowsOfAnotherWidthTimesThatGoBackAndTablesWithoutTime) {
  EXPECT_THAT(csv("t,a\n0,1\n1,2,3\n").error().message, HasSubstr("a.csv:3: 3 columns"));
  EXPECT_THAT(csv("t,a\n5,1\n4,2\n").error().message, HasSubstr("a.csv:3"));
  EXPECT_THAT(csv("x,a\n5,1\n").error().message, HasSubstr("no column tells the time"));
  EXPECT_THAT(csv("t,a\n,1\n").error().message, HasSubstr("no time in this row"));
  EXPECT_FALSE(csv(""));
  EXPECT_FALSE(csv("t,a\n"));
}

TEST(CsvSource, EveryBioGearsColumnHasOneWayOfBeingWritten) {
  const auto dir = casebox::testing::real_data() / "twin";
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no real data at " << dir;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() != ".csv") continue;
    auto source = CsvSource::open(context_of("twin", entry.path().string()));
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_TRUE((*source)->skipped().empty()) << (*source)->skipped()[0].reason;
    EXPECT_EQ((*source)->streams()[0].tick_rate_hz().num(), 50u);
    auto items = all_items(**source);
    ASSERT_TRUE(items);
    uint64_t rows = 0;
    for (const Item& item : *items) rows += item.count;
    EXPECT_EQ(rows, 6001u);
  }
}

TEST(CsvSource, SlowRowsMakeRunsThatAFrameCanHold) {
  std::string text = "Time (s),HR\n";
  for (int i = 0; i < 240; ++i) text += std::to_string(60 * i) + "," + std::to_string(i) + "\n";
  auto source = csv(text);
  ASSERT_TRUE(source) << source.error().message;
  uint32_t rows = 0;
  const auto items = all_items(**source);
  for (const Item& item : *items) {
    EXPECT_LE(item.duration, seconds(3600));
    rows += item.count;
  }
  EXPECT_EQ(rows, 240u);
}

TEST(CsvSource, TheUnitOfTimeIsUnderstoodOrRefused) {
  for (const auto& [unit, ns] : {std::pair{"h", 3'600'000'000'000},
                                 {"Hours", 3'600'000'000'000},
                                 {"minutes", 60'000'000'000},
                                 {"msec", 1'000'000},
                                 {"\xCE\xBCs", 1'000},
                                 {"ns", 1}}) {
    auto source = csv(std::string("Time (") + unit + "),HR\n0,70\n1,71\n2,72\n");
    ASSERT_TRUE(source) << unit;
    const auto items = all_items(**source);
    EXPECT_EQ(items->back().t.ns + items->back().duration.ns, 3 * ns) << unit;
  }
  auto unknown = csv("Time (fortnights),HR\n0,70\n1,71\n");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("the unit of the time is not known"));
}

}  // namespace
}  // namespace casebox::recorder
