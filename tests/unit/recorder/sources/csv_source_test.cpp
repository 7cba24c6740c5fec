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
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("'mixed'"));
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
  EXPECT_THAT(source.error().message, HasSubstr("a.csv:3: column 2 'HR': 'broken'"));
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

}  // namespace
}  // namespace casebox::recorder
