#include "analytics/spc/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casebox::analytics::spc {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

class MeasureOfACase : public testing::Test {
 protected:
  void add(const std::string& activity, int64_t from_s, int64_t to_s) {
    LogEvent event;
    event.activity = log_.intern(activity);
    event.t0_ns = from_s * kSecond;
    event.t1_ns = to_s * kSecond;
    event.source_order = static_cast<uint32_t>(trace_.events.size());
    trace_.events.push_back(event);
  }
  CaseValue value(const std::string& measure, const std::vector<std::string>& withheld = {}) {
    return measure_case(log_, trace_, withheld, *parse_measure(measure));
  }
  EventLog log_;
  Trace trace_;
};

TEST_F(MeasureOfACase, IsDurationPhaseCountOrPresence) {
  add("dissection", 10, 40);
  add("bleeding", 20, 20);
  add("dissection", 50, 70);
  EXPECT_DOUBLE_EQ(*value("duration").value, 60);
  EXPECT_DOUBLE_EQ(*value("phase:dissection").value, 50);
  EXPECT_EQ(value("count:dissection").value, 2);
  EXPECT_EQ(value("count:leak").value, 0);
  EXPECT_EQ(value("has:bleeding").value, 1);
  EXPECT_EQ(value("has:leak").value, 0);
}

TEST_F(MeasureOfACase, IsAbsentWithAReasonAndNeverZero) {
  EXPECT_EQ(value("duration").reason, "no events");
  add("dissection", 10, 40);
  EXPECT_EQ(value("phase:closure").reason, "does not occur");
  EXPECT_FALSE(value("phase:closure").value);
  EXPECT_EQ(value("duration", {"clock 3 is broken"}).reason, "clock 3 is broken");
  EXPECT_EQ(value("phase:dissection", {"clock 3 is broken"}).reason, "clock 3 is broken");
  EXPECT_EQ(value("has:dissection", {"clock 3 is broken"}).value, 1);  // its sequence is kept
  EXPECT_FALSE(value("departures").value);
  trace_.events[0].open = true;
  EXPECT_EQ(value("phase:dissection").reason, "never ended");
  trace_.events[0].timed = false;
  EXPECT_EQ(value("duration").reason, "an event has no time");
}

TEST(Measure, NamesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "phase", "phase:", "speed", "duration:x", "resource:someone"})
    EXPECT_THAT(parse_measure(text).error().message, HasSubstr("has:ACTIVITY")) << text;
  EXPECT_EQ(parse_measure("count:a:b")->name, "a:b");
  EXPECT_EQ(parse_measure("departures")->text(), "departures");
  EXPECT_EQ(parse_measure("phase:x y")->text(), "phase:x y");
}

}  // namespace
}  // namespace casebox::analytics::spc
