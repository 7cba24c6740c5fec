// Logs and models as other programs export them: told by what they hold, lifecycles in words that
// are not the standard's, and what a model has that is not read.

#include <gmock/gmock.h>

#include <fstream>

#include "analytics/readers/csv_reader.h"
#include "analytics/readers/log_kind.h"
#include "analytics/readers/model_reader.h"
#include "tests/support/frames.h"

namespace casebox::analytics::readers {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string refused(std::string_view head, const std::string& path) {
  const auto kind = log_kind_of(head, path);
  return kind ? "" : kind.error().message;
}

TEST(LogKind, IsToldByWhatAFileHolds) {
  EXPECT_EQ(*log_kind_of("<?xml version='1.0'?>\n<log xes.version='1.0'>", "a.xml"), LogKind::kXes);
  EXPECT_EQ(*log_kind_of("\xEF\xBB\xBF<log>", "a.xes"), LogKind::kXes);
  EXPECT_EQ(*log_kind_of("case,activity\n", "a.CSV.gz"), LogKind::kCsv);
  EXPECT_EQ(*log_kind_of("case\tactivity\n", "a.txt"), LogKind::kCsv);
  EXPECT_THAT(refused("<WorkflowLog>", "d/a.xes"), HasSubstr("d/a.xes: this is an MXML log; "));
  EXPECT_THAT(refused(R"({"ocel:events":{}})", "a.jsonocel"), HasSubstr("object-centric"));
  EXPECT_THAT(refused(R"({"objectTypes":[]})", "a.json"), HasSubstr("pm4py.ocel_flattening"));
  EXPECT_THAT(refused("<log><object-types/>", "a.xml"), HasSubstr("object-centric"));
  EXPECT_THAT(refused("<pnml>", "a.csv"), HasSubstr("give it as --model"));
  EXPECT_THAT(refused("PAR1xx", "a.csv"), HasSubstr("Parquet"));
  EXPECT_THAT(refused("anything", "a.log"), HasSubstr("not an event log by its name"));
}

EventLog log_of(const std::string& text) {
  auto log = read_csv_text(text, "a.csv");
  EXPECT_TRUE(log) << log.error().message;
  return std::move(*log);
}

TEST(LogForms, StartedAndCompletedAreOneStep) {
  const EventLog log = log_of(
      "case,activity,time,lifecycle\n1,A,2024-01-01T10:00:00Z,Started\n"
      "1,A,2024-01-01T10:00:30Z,Completed\n1,B,2024-01-01T10:01:00Z,finished\n");
  ASSERT_EQ(log.traces[0].events.size(), 2u);
  EXPECT_EQ(log.traces[0].events[0].t1_ns - log.traces[0].events[0].t0_ns, 30'000'000'000);
  EXPECT_THAT(log.notices, ElementsAre()) << "nothing had to be guessed";
}

TEST(LogForms, InstancesPairWhatOverlaps) {
  const EventLog log = log_of(
      "case_id,activity,activity_instance_id,timestamp,lifecycle_id\n"
      "1,A,x,2024-01-01T10:00:00Z,start\n1,A,y,2024-01-01T10:00:10Z,start\n"
      "1,A,y,2024-01-01T10:00:15Z,complete\n1,A,x,2024-01-01T10:00:40Z,complete\n");
  ASSERT_EQ(log.traces[0].events.size(), 2u);
  EXPECT_EQ(log.traces[0].events[0].t1_ns - log.traces[0].events[0].t0_ns, 40'000'000'000);
  EXPECT_EQ(log.traces[0].events[1].t1_ns - log.traces[0].events[1].t0_ns, 5'000'000'000);
}

TEST(LogForms, AStepOfWhichOnlyPlansAreThereIsNamed) {
  Planned planned;
  ASSERT_TRUE(read_csv_text(
      "case,activity,lifecycle\n1,A,complete\n1,B,schedule\n2,B,schedule\n2,B,complete\n", "a.csv",
      {}, {}, &planned));
  EXPECT_THAT(planned, ElementsAre(Pair(0u, ElementsAre("B"))));
}

TEST(LogForms, ATableOfTwoByteLettersIsRead) {
  const testing::TempDir dir;
  const std::string path = (dir.path() / "a.txt").string();
  std::string bytes = "\xFF\xFE";
  for (const char c : std::string("case\tactivity\n1\tA\n1\tB\n")) bytes += {c, '\0'};
  std::ofstream(path) << bytes;
  const auto log = read_csv(path);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_THAT(log->activities, ElementsAre("A", "B"));
}

std::string process(const std::string& id) {
  return "<process id='" + id + "'><startEvent id='s" + id + "'/><task id='t" + id +
         "' name='A'/><endEvent id='e" + id + "'/><sequenceFlow id='f" + id + "' sourceRef='s" +
         id + "' targetRef='t" + id + "'/><sequenceFlow id='g" + id + "' sourceRef='t" + id +
         "' targetRef='e" + id + "'/></process>";
}

TEST(LogForms, PoolsOfAModelAreNamed) {
  const std::string pools =
      "<collaboration><participant id='1' name='Operating\nroom' processRef='p'/>"
      "<participant id='2' name='Lab' processRef='q'/></collaboration>";
  const auto two =
      read_bpmn("<definitions>" + pools + process("p") + process("q") + "</definitions>", "a.bpmn");
  ASSERT_FALSE(two);
  EXPECT_THAT(two.error().message, HasSubstr("in the pools 'Operating room', 'Lab'"));
  const auto one = read_bpmn("<definitions>" + pools + process("p") + "</definitions>", "a.bpmn");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_THAT(one->notices, Contains(HasSubstr("pools: 'Operating room', 'Lab'")));
}

TEST(LogForms, GuardsOfANetAreNamed) {
  const auto norm = read_pnml(
      "<pnml><net id='n'><place id='p'><initialMarking><text>1</text></initialMarking></place>"
      "<place id='q'/><transition id='t' guard='x &gt; 5'><name><text>A</text></name></transition>"
      "<arc id='1' source='p' target='t'/><arc id='2' source='t' target='q'/></net></pnml>",
      "a.pnml");
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_THAT(norm->notices, Contains(HasSubstr("the guard 'x > 5' of 'A' is not read")));
}

}  // namespace
}  // namespace casebox::analytics::readers
