// Tables as monitors and spreadsheets write them: when their rows were, and where the table stands.

#include <gmock/gmock.h>

#include "proto/text/written_time.h"
#include "recorder/sources/csv_source.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What became of a text: its rows' case times in s and its notices, or its error.
struct Read {
  std::vector<double> t;
  std::vector<std::string> notices;
  std::string error;
  Wall wall;
  std::vector<v1::Stream> streams;
  std::vector<Item> items;
};

Read read(const std::string& text, const std::function<void(v1::SourceConfig&)>& tell = {}) {
  Context context = context_of("m", "a.csv");
  if (tell) tell(context.config);
  Read out;
  auto source = CsvSource::parse(std::move(context), text);
  if (!source) {
    out.error = source.error().message;
    return out;
  }
  for (const Skipped& one : (*source)->skipped()) out.notices.push_back(one.reason);
  out.wall = (*source)->wall();
  out.streams = (*source)->streams();
  auto items = all_items(**source);
  EXPECT_TRUE(items);
  for (const Item& item : *items) {
    const auto* samples = std::get_if<Samples>(&item.what);
    for (uint32_t i = 0; samples != nullptr && i < item.count; ++i)
      out.t.push_back((item.t + nanoseconds(samples->t_src_step) * i).seconds());
  }
  out.items = std::move(*items);
  return out;
}

std::string utc(const Read& read) { return text::format_utc(read.wall.ns); }

TEST(CsvTimes, ClockTimesWithADateAreReadInEveryForm) {
  for (const char* text :
       {"Time,HR\n2024-03-31 01:59:50,70\n2024-03-31 01:59:51,71\n2024-03-31 01:59:53,72\n",
        "Time,HR\n2024/03/31 01:59:50.000,70\n2024/03/31 01:59:51.000,71\n"
        "2024/03/31 01:59:53.000,72\n",
        "Time,HR\n03/31/2024 1:59:50 AM,70\n03/31/2024 1:59:51 AM,71\n03/31/2024 1:59:53 AM,72\n",
        "Datum;Uhrzeit;HR\n31.03.2024;01:59:50;70\n31.03.2024;01:59:51;71\n31.03.2024;01:59:53;"
        "72\n",
        "Date,Time,HR\n31-Mar-2024,01:59:50,70\n31-Mar-2024,01:59:51,71\n31-Mar-2024,01:59:53,"
        "72\n"}) {
    const Read got = read(text);
    EXPECT_THAT(got.t, ElementsAre(0, 1, 3)) << text << got.error;
    EXPECT_EQ(got.wall.kind, Wall::Kind::kLocal);
    EXPECT_EQ(utc(got), "2024-03-31T01:59:50.000000000+00:00");
    EXPECT_THAT(got.notices, Contains(HasSubstr("say it with --zone")));
  }
}

TEST(CsvTimes, AZoneIsReadOrTold) {
  const Read written =
      read("Time,HR\n2024-03-31T01:59:50+02:00,70\n2024-03-31T01:59:51+02:00,71\n");
  EXPECT_EQ(written.wall.kind, Wall::Kind::kUtc);
  EXPECT_EQ(utc(written), "2024-03-30T23:59:50.000000000+00:00");
  EXPECT_THAT(written.notices, IsEmpty());
  const Read told = read("Time,HR\n2024-03-31 01:59:50,70\n2024-03-31 01:59:51,71\n",
                         [](v1::SourceConfig& config) { config.set_zone("+0200"); });
  EXPECT_EQ(told.wall.kind, Wall::Kind::kUtc);
  EXPECT_EQ(utc(told), "2024-03-30T23:59:50.000000000+00:00");
  EXPECT_THAT(read("Time,HR\n2024-03-31T01:59:50Z,70\n2024-03-31T01:59:51,71\n").error,
              HasSubstr("some of its times tell a zone"));
}

TEST(CsvTimes, TheOrderOfADateIsProvenOrToldAndNeverGuessed) {
  const std::string either = "Time,HR\n04/05/2024 10:00:00,70\n04/05/2024 10:00:01,71\n";
  EXPECT_THAT(read(either).error, HasSubstr("a.csv:1: column 1: "));
  EXPECT_THAT(read(either).error, HasSubstr("--time-format dmy or mdy"));
  const auto with = [&](const char* order) {
    return utc(read(either, [&](v1::SourceConfig& config) { config.set_time_format(order); }));
  };
  EXPECT_THAT(with("dmy"), HasSubstr("2024-05-04T10"));
  EXPECT_THAT(with("mdy"), HasSubstr("2024-04-05T10"));
}

TEST(CsvTimes, ClockTimesAloneBeginWithTheTableAndPassMidnight) {
  const Read got = read("Time,HR\n23:59:59,70\n00:00:00,71\n00:00:01,72\n");
  EXPECT_THAT(got.t, ElementsAre(0, 1, 2)) << got.error;
  EXPECT_THAT(got.notices, Contains(HasSubstr("midnight")));
  EXPECT_EQ(got.wall.kind, Wall::Kind::kClock);
  EXPECT_THAT(read("Time [hh:mm:ss],HR\n00:00:00,70\n00:00:01,71\n").t, ElementsAre(0, 1));
  EXPECT_THAT(read("Time [mm:ss],HR\n00:58,70\n00:59,71\n01:00,72\n").t, ElementsAre(0, 1, 2));
}

TEST(CsvTimes, UnitsSince1970AreKnownByTheirSize) {
  for (const char* zeros : {"", "000", "000000", "000000000"}) {
    const std::string text = std::string("timestamp,HR\n1711846790") + zeros + ",70\n1711846791" +
                             zeros + ",71\n1711846793" + zeros + ",72\n";
    const Read got = read(text);
    EXPECT_THAT(got.t, ElementsAre(0, 1, 3)) << text << got.error;
    EXPECT_EQ(got.wall.kind, Wall::Kind::kUtc);
    EXPECT_EQ(got.wall.ns, 1'711'846'790'000'000'000);
    EXPECT_EQ(got.notices.empty(), *zeros == '\0') << "a unit that was found out is said";
  }
}

TEST(CsvTimes, DaysOfASpreadsheetAreReadWhenProvenAndAskedForOtherwise) {
  const std::string rows =
      "45382.00000000,70\n45382.00001157,71\n45382.00002315,72\n"
      "45382.00003472,73\n";
  const Read got = read("Time,HR\n" + rows);
  EXPECT_THAT(got.t, ElementsAre(0, 1, 2, 3)) << got.error;
  EXPECT_EQ(utc(got), "2024-03-31T00:00:00.000000000+00:00");
  EXPECT_THAT(got.notices, Contains(HasSubstr("days of a spreadsheet")));
  EXPECT_THAT(read("Time,HR\n45382.12340,70\n45382.12351,71\n45382.12399,72\n").error,
              HasSubstr("--time-unit s or --time-unit excel"));
  const Read told = read("Time,HR\n" + rows, [](v1::SourceConfig& c) { c.set_time_unit("s"); });
  EXPECT_DOUBLE_EQ(told.t.at(0), 45382);
  // Seconds of the day, at 100 Hz.
  const Read seconds = read("Time,HR\n45382.00,70\n45382.01,71\n45382.02,72\n");
  ASSERT_EQ(seconds.t.size(), 3u) << seconds.error;
  EXPECT_NEAR(seconds.t[2], 45382.02, 1e-9);
}

TEST(CsvTimes, AColumnMayBeToldAndIsFoundWhereItAloneHoldsDates) {
  const std::string text = "n,when,HR\n1,2024-03-31 10:00:00,70\n2,2024-03-31 10:00:01,71\n";
  const Read found = read(text);
  EXPECT_THAT(found.t, ElementsAre(0, 1)) << found.error;
  EXPECT_THAT(found.notices, Contains(HasSubstr("column 2 is taken as the time")));
  const Read told = read(text, [](v1::SourceConfig& config) { config.set_time_column("n"); });
  EXPECT_THAT(told.t, ElementsAre(1, 2));
  EXPECT_THAT(told.notices, Contains(HasSubstr("left out of the record: 2")));
  EXPECT_THAT(read(text, [](v1::SourceConfig& c) { c.set_time_column("m"); }).error,
              HasSubstr("--time-column"));
}

TEST(CsvLayout, LinesAboveTheHeaderAndARowOfUnitsAreFound) {
  const Read got = read(
      "Monitor export\nPatient,SECRET\n\nTime,HR,P\nms,bpm,mmHg\n"
      "0,70,90\n1000,71,91\n2000,72,92\n");
  EXPECT_THAT(got.t, ElementsAre(0, 1, 2)) << got.error;
  ASSERT_EQ(got.streams.at(0).channels_size(), 2);
  EXPECT_EQ(got.streams[0].channels(0).unit(), "/min");
  EXPECT_EQ(got.streams[0].channels(1).unit(), "mm[Hg]");
  EXPECT_THAT(got.notices, Contains(HasSubstr("3 lines above the header")));
  EXPECT_THAT(got.notices, Contains(HasSubstr("its units")));
  EXPECT_THAT(got.notices, Not(Contains(HasSubstr("SECRET"))));
  // A line that does not fit names its place in the file.
  EXPECT_THAT(read("Monitor export\nTime,HR\n0,70\n1,71\n2,72,3\n").error, HasSubstr("a.csv:5: "));
}

TEST(CsvLayout, ACommaIsTheDecimalMarkWhereNothingElseCanBe) {
  const Read got = read("Zeit (s);Temp\n0,5;36,61\n1,0;36,7\n1,5;36,8\n");
  EXPECT_THAT(got.t, ElementsAre(0.5, 1, 1.5)) << got.error;
  EXPECT_DOUBLE_EQ(std::get<Samples>(got.items.at(0).what).columns[0].reals.at(0), 36.61);
  EXPECT_THAT(got.notices, Contains(HasSubstr("a comma is its decimal mark")));
  EXPECT_THAT(read("t;a\n0;1,5\n1;1.5\n").error, HasSubstr("say --decimal"));
  EXPECT_THAT(read("t,a\n0,\"1,500\"\n1,\"2,500\"\n").error, HasSubstr("say --decimal"));
  const Read told = read("t,a\n0,\"1,500\"\n1,\"2,500\"\n",
                         [](v1::SourceConfig& config) { config.set_decimal(","); });
  EXPECT_EQ(told.error, "");
}

TEST(CsvLayout, DashesAreNoValueAndColumnsWithoutNumbersAreTold) {
  const Read got = read("Time,HR,Note,,\n0,70,calm,,\n1,---,calm,,\n2,-,awake,,\n");
  EXPECT_THAT(got.t, ElementsAre(0, 1, 2)) << got.error;
  ASSERT_EQ(got.streams.at(0).channels_size(), 1);
  EXPECT_THAT(std::get<Samples>(got.items.at(0).what).columns[0].missing,
              ElementsAre(false, true, true));
  EXPECT_THAT(got.notices, ElementsAre("columns without numbers are left out of the record: 3"));
}

}  // namespace
}  // namespace casebox::recorder
