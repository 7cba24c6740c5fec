#include "proto/text/written_time.h"

#include <gtest/gtest.h>

namespace casebox::text {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNoon = 1'414'000'000 * kSecond;  // 2014-10-22 17:46:40 UTC

TEST(WrittenTime, TheSameMomentInEveryForm) {
  for (const char* form :
       {"2014-10-22T17:46:40Z", "2014-10-22 17:46:40", "2014/10/22 17:46:40.000",
        "2014.10.22 5:46:40 PM", "22-Oct-2014 17:46:40", "22 October 2014 17:46:40",
        "Oct 22, 2014 5:46:40 p.m.", "2014-10-22T19:46:40+02:00", "2014-10-22 19:46:40,0 +0200",
        "2014-10-22 17:46:40 UTC"}) {
    const auto stamp = parse_iso(form);
    ASSERT_TRUE(stamp) << form;
    EXPECT_EQ(stamp->utc_ns, kNoon) << form;
  }
  EXPECT_EQ(parse_slashed("22/10/2014 17:46:40", DateOrder::kDayFirst)->utc_ns, kNoon);
  EXPECT_EQ(parse_slashed("10/22/2014 05:46:40 PM", DateOrder::kMonthFirst)->utc_ns, kNoon);
}

TEST(WrittenTime, NoonAndMidnightOfTwelveHours) {
  EXPECT_EQ(parse_clock("12:00 AM")->utc_ns, 0);
  EXPECT_EQ(parse_clock("12:30 pm")->utc_ns, 45'000 * kSecond);
  EXPECT_FALSE(parse_clock("13:00 PM"));
  EXPECT_FALSE(parse_clock("0:30 AM"));
}

TEST(WrittenTime, WhatIsNoTimeIsRefused) {
  for (const char* no : {"2014-13-01", "2014/10-22", "22-Foo-2014", "2014-10-22 25:00",
                         "2014-10-22 24:01", "2014-10-22 10:60", "20141022", "Oct 2014", ""})
    EXPECT_FALSE(parse_iso(no)) << no;
  EXPECT_FALSE(parse_clock("10"));
  EXPECT_FALSE(parse_zone("Berlin"));
  EXPECT_EQ(parse_zone("-0530"), -19'800 * kSecond);
}

TEST(WrittenTime, TheGrainIsThatOfTheLastPlace) {
  EXPECT_EQ(parse_iso("2014-10-22")->grain_ns, 86'400 * kSecond);
  EXPECT_EQ(parse_iso("2014-10-22 10:15")->grain_ns, 60 * kSecond);
  EXPECT_EQ(parse_iso("2014-10-22 10:15:00.25")->grain_ns, kSecond / 100);
}

TEST(WrittenTime, NumbersAreUnitsSince1970ByTheirSize) {
  EXPECT_EQ(unix_unit(1.7e9, 1.8e9), kSecond);
  EXPECT_EQ(unix_unit(1.7e12, 1.8e12), 1'000'000);
  EXPECT_EQ(unix_unit(1.7e18, 1.8e18), 1);
  EXPECT_EQ(unix_unit(10, 1.8e9), 0);
  EXPECT_EQ(unix_unit(1.7e9, 1.8e12), 0);
}

TEST(WrittenTime, DaysOfASpreadsheetLieOnWholeSeconds) {
  EXPECT_EQ(from_serial_day(25'569), 0);
  EXPECT_EQ(from_serial_day(25'570.5), 129'600 * kSecond);
  EXPECT_TRUE(on_a_second(45'382.00001157, 8));
  EXPECT_FALSE(on_a_second(45'382.00001957, 8));
  EXPECT_TRUE(on_a_second(45'382.5, 1));
}

}  // namespace
}  // namespace casebox::text
