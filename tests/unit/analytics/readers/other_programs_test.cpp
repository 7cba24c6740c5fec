// What other programs write, and its readers take for granted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "analytics/readers/csv_reader.h"
#include "analytics/readers/internal/log_builder.h"
#include "analytics/readers/model_reader.h"

namespace casebox::analytics::readers {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

Result<protocol::Norm> process(const std::string& inside) {
  return read_bpmn(
      "<definitions><process id=\"p\"><startEvent id=\"s\"/>" + inside + "</process></definitions>",
      "m.bpmn");
}
std::string flow(const std::string& id, const std::string& from, const std::string& to,
                 const std::string& inside = "") {
  return "<sequenceFlow id=\"" + id + "\" sourceRef=\"" + from + "\" targetRef=\"" + to + "\">" +
         inside + "</sequenceFlow>";
}
constexpr const char* kCondition = "<conditionExpression>x</conditionExpression>";

TEST(OtherPrograms, NamesAreBrokenIntoLinesWhereABoxIsNarrow) {
  const auto norm = process("<task id=\"a\" name=\" Time&#10;&#9; out \"/>" + flow("1", "s", "a"));
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_EQ(norm->source.steps(0).id(), "Time out");
}

TEST(OtherPrograms, ACollapsedSubProcessIsOneStep) {
  const auto norm = process(
      "<subProcess id=\"a\" name=\"Anastomosis\"><incoming>1</incoming>"
      "</subProcess>" +
      flow("1", "s", "a"));
  ASSERT_TRUE(norm) << norm.error().message;
  ASSERT_EQ(norm->source.steps_size(), 1);
  EXPECT_EQ(norm->source.steps(0).id(), "Anastomosis");
  EXPECT_THAT(norm->notices, Contains(HasSubstr("empty sub-processes are read as one step")));
}

TEST(OtherPrograms, AProcessWithTwoEndsHasEndedWhenNothingWaits) {
  const std::string split =
      "<parallelGateway id=\"g\"/><task id=\"a\" name=\"a\"/><task id=\"b\" name=\"b\"/>"
      "<endEvent id=\"e\"/><endEvent id=\"f\"/>" +
      flow("1", "s", "g") + flow("2", "g", "a") + flow("3", "g", "b") + flow("4", "a", "e") +
      flow("5", "b", "f");
  const auto norm = process(split);
  ASSERT_TRUE(norm) << norm.error().message;
  ASSERT_EQ(norm->net.finals.size(), 1u);
  const auto& final = norm->net.finals[0];
  EXPECT_EQ(std::accumulate(final.begin(), final.end(), 0), 0);
  const auto one = process("<task id=\"a\" name=\"a\"/><endEvent id=\"e\"/>" + flow("1", "s", "a") +
                           flow("2", "a", "e"));
  EXPECT_EQ(std::accumulate(one->net.finals[0].begin(), one->net.finals[0].end(), 0), 1);
}

TEST(OtherPrograms, ConditionsAndADefaultBehindATaskAreAChoice) {
  const std::string rest = "<task id=\"b\" name=\"b\"/><task id=\"c\" name=\"c\"/>" +
                           flow("1", "s", "a") + flow("2", "a", "b", kCondition) +
                           flow("3", "a", "c");
  const auto norm = process("<task id=\"a\" name=\"a\" default=\"3\"/>" + rest);
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_THAT(norm->notices, Contains(HasSubstr("read as a choice of one")));
  for (const protocol::Transition& t : norm->net.transitions) EXPECT_LE(t.out.size(), 1u);
  const auto refused = process("<task id=\"a\" name=\"a\"/>" + rest);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the choice behind 'a' is refused"));
}

TEST(OtherPrograms, AStatusInPlaceOfALifecycleIsAStep) {
  internal::LogBuilder builder;
  builder.begin_trace();
  for (const char* lifecycle : {"in progress", "wait - user", "schedule", "complete"}) {
    internal::RawEvent event;
    event.activity = "Accepted";
    event.lifecycle = lifecycle;
    builder.add(event);
  }
  builder.end_trace();
  const EventLog log = builder.finish();
  EXPECT_EQ(log.traces[0].events.size(), 3u);
  EXPECT_THAT(log.notices, Contains(HasSubstr("2 events have a lifecycle that is none")));
  EXPECT_THAT(log.notices, Contains(HasSubstr("lifecycle 'schedule' were dropped")));
}

}  // namespace
}  // namespace casebox::analytics::readers
