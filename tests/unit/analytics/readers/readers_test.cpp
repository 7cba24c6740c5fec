#include <gmock/gmock.h>

#include "analytics/readers/csv_reader.h"
#include "analytics/readers/model_reader.h"
#include "analytics/readers/xes_reader.h"
#include "analytics/readers/xes_writer.h"
#include "proto/text/written_time.h"

namespace casebox::analytics::readers {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string xes(const std::string& events) {
  return "<log><trace><string key=\"concept:name\" value=\"c\"/>" + events + "</trace></log>";
}
std::string event(const std::string& name, const std::string& time, const std::string& more = "") {
  return "<event><string key=\"concept:name\" value=\"" + name +
         "\"/><date key=\"time:timestamp\" value=\"" + time + "\"/>" + more + "</event>";
}
std::string refused(const std::string& text) {
  const auto log = read_xes_text(text, "f.xes");
  return log ? "accepted" : log.error().message;
}

TEST(Xes, StartAndCompleteBecomeOneInterval) {
  const std::string start = "<string key=\"lifecycle:transition\" value=\"start\"/>";
  const std::string complete = "<string key=\"lifecycle:transition\" value=\"COMPLETE\"/>";
  const auto log = read_xes_text(xes(event("a", "2020-01-01T10:00:00.5Z", start) +
                                     event("b", "2020-01-01T10:00:01.5Z", start) +
                                     event("a", "2020-01-01T11:00:02.5+01:00", complete) +
                                     event("c", "2020-01-01T10:00:09.5Z", complete)),
                                 "f");
  ASSERT_TRUE(log) << log.error().message;
  const auto& events = log->traces[0].events;
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].t1_ns - events[0].t0_ns, 2'000'000'000);
  EXPECT_FALSE(events[0].open);
  EXPECT_TRUE(events[1].open);  // never ended: to the end of the case
  EXPECT_EQ(events[1].t1_ns, 9'000'000'000);
  EXPECT_EQ(log->traces[0].wall_start_ns, 1577872800'500000000);
}

TEST(Xes, WhatIsDroppedOrRepairedIsSaid) {
  const auto log = read_xes_text(
      xes("<event><date key=\"time:timestamp\" value=\"2020-01-01\"/></event>" +
          event("a", "yesterday", "<string key=\"cost\" value=\"5\"/>") +
          event("b", "2020-01-01", "<string key=\"lifecycle:transition\" value=\"schedule\"/>")),
      "f");
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->event_count(), 1u);
  EXPECT_FALSE(log->traces[0].events[0].timed);
  EXPECT_THAT(log->notices, Contains(HasSubstr("1 events without an activity")));
  EXPECT_THAT(log->notices, Contains(HasSubstr("lifecycle 'schedule'")));
  EXPECT_THAT(log->notices, Contains(HasSubstr("cannot be read")));
  EXPECT_THAT(log->notices, Contains(HasSubstr("cost")));
}

TEST(Xes, TimesCutToMinutesAreNoticed) {
  std::string events;
  for (int i = 10; i < 20; ++i)
    events += event("a", "2020-01-01T10:" + std::to_string(i) + ":00+01:00");
  const auto log = read_xes_text(xes(events), "f");
  ASSERT_TRUE(log);
  EXPECT_THAT(log->notices, Contains(HasSubstr("whole minutes")));
  EXPECT_EQ(log->traces[0].events[0].u95_ns, 30'000'000'000);
}

TEST(Xes, HostileFilesAreRefusedWithTheirLine) {
  EXPECT_THAT(refused("<!DOCTYPE l [<!ENTITY a \"b\">]><log/>"), HasSubstr("entity"));
  EXPECT_THAT(refused("<log><trace>\n<event>"), HasSubstr("f.xes:2: not well-formed"));
  EXPECT_THAT(refused("<html/>"), HasSubstr("<html>"));
  EXPECT_THAT(refused(""), HasSubstr("not well-formed"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(refused("<log>" + deep), HasSubstr("256 levels"));
  EXPECT_THAT(refused(xes("<event><string key=\"k\" value=\"" + std::string(20 << 20, 'x') +
                          "\"/></event>")),
              HasSubstr("4 MiB"));
  EXPECT_EQ(refused(xes("<event><string key=\"k\" value=\"" + std::string(100 << 10, 'x') +
                        "\"/></event>")),
            "accepted");
}

TEST(Xes, ActivitiesHaveALimit) {
  std::string events;
  for (int i = 0; i < 50; ++i) events += event("a" + std::to_string(i), "2020-01-01");
  Limits limits;
  limits.max_activities = 40;
  const auto log = read_xes_text(xes(events), "f", limits);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("40 different activities"));
}

TEST(Xes, WhatIsWrittenReadsBackTheSame) {
  EventLog log;
  Trace trace;
  trace.case_key = "c <1> \"&\"";
  trace.wall_start_ns = 1577872800'123456789;
  for (int i = 0; i < 3; ++i) {
    LogEvent e;
    e.activity = log.intern(i == 1 ? "b\n\xC3\xA9" : "a");
    e.t0_ns = i * 1'000'000'001;
    e.t1_ns = e.t0_ns + (i == 0 ? 0 : 777);
    e.u95_ns = i == 2 ? -1 : 42;
    e.source_order = static_cast<uint32_t>(i);
    e.origin = i == 1 ? EventOrigin::kAlgorithm : EventOrigin::kHuman;
    e.open = i == 2;
    e.confidence = i == 1 ? .25f : 0;
    e.resource = i == 0 ? "nurse" : "";
    trace.events.push_back(e);
  }
  log.traces.push_back(trace);
  std::string text;
  write_xes(log, [&](std::string_view piece) { text += piece; });
  const auto again = read_xes_text(text, "again");
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->traces.size(), 1u);
  EXPECT_EQ(again->traces[0].case_key, trace.case_key);
  EXPECT_EQ(again->traces[0].wall_start_ns, trace.wall_start_ns);
  EXPECT_EQ(again->activities, log.activities);
  ASSERT_EQ(again->traces[0].events.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const LogEvent &a = trace.events[i], &b = again->traces[0].events[i];
    EXPECT_EQ(a.t0_ns, b.t0_ns) << i;
    EXPECT_EQ(a.t1_ns, b.t1_ns) << i;
    EXPECT_EQ(a.u95_ns, b.u95_ns) << i;
    EXPECT_EQ(a.origin, b.origin) << i;
    EXPECT_EQ(a.open, b.open) << i;
    EXPECT_EQ(a.confidence, b.confidence) << i;
    EXPECT_EQ(a.resource, b.resource) << i;
  }
}

TEST(Xes, WhatStandsBesideThePathwayIsForOtherPrograms) {
  EventLog log;
  Trace trace;
  trace.case_key = "c";
  for (const char* name : {"a", "alarm SPO2", "b"}) {
    LogEvent e;
    e.activity = log.intern(name);
    e.t0_ns = e.t1_ns = static_cast<int64_t>(trace.events.size()) * 1000;
    e.u95_ns = 9;
    if (trace.events.empty()) e.u95_start_ns = 3;
    trace.events.push_back(e);
  }
  log.traces.push_back(trace);
  std::string text;
  XesExtras extras{{{kRecordedKey, "recorded 1\nspan 0 1"}}, {{1, "alarm"}}};
  write_xes(
      log, [&](std::string_view piece) { text += piece; }, extras);
  EXPECT_THAT(text, HasSubstr("alarm SPO2"));
  std::vector<std::string> recorded;
  const auto again = read_xes_text(text, "again", {}, &recorded);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->event_count(), 2u);
  EXPECT_EQ(again->activities[again->traces[0].events[1].activity], "b");
  EXPECT_EQ(again->traces[0].events[0].start_u95_ns(), 3);
  EXPECT_EQ(again->traces[0].events[0].end_u95_ns(), 9);
  EXPECT_EQ(again->traces[0].events[1].start_u95_ns(), 9);
  EXPECT_THAT(again->notices, Contains(HasSubstr("1 events beside the pathway")));
  EXPECT_EQ(recorded, (std::vector<std::string>{"recorded 1\nspan 0 1"}));
}

std::string csv_refused(const std::string& text, const CsvMapping& mapping = {}) {
  const auto log = read_csv_text(text, "f.csv", mapping);
  return log ? "accepted" : log.error().message;
}

TEST(Csv, ColumnsAreMappedOrMissed) {
  EXPECT_THAT(csv_refused("id,what\n1,a\n"), HasSubstr("no column for the case"));
  EXPECT_THAT(csv_refused("id,what\n1,a\n"), HasSubstr("the header names 2 columns"));
  CsvMapping mapping;
  mapping.case_column = "id";
  mapping.activity = "nothing";
  EXPECT_THAT(csv_refused("id,what\n1,a\n", mapping), HasSubstr("no column 'nothing'"));
  mapping.activity = "what";
  EXPECT_EQ(csv_refused("id,what\n1,a\n", mapping), "accepted");
  EXPECT_THAT(csv_refused("case,activity\n1,a,b\n"), HasSubstr("f.csv:2: has 3 fields"));
  EXPECT_THAT(csv_refused("case,activity\n1,\"a\n"), HasSubstr("never closed"));
  EXPECT_THAT(csv_refused(""), HasSubstr("empty"));
}

TEST(Csv, ColumnsThatAreNotUsedAreNumbered) {
  const auto log = read_csv_text("case,room,activity,who\n1,x,a,y\n", "f");
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_THAT(log->notices, Contains(HasSubstr("2 columns are not used")));
  EXPECT_THAT(log->notices, Contains(HasSubstr("2, 4")));
}

TEST(Csv, RowsOfACaseNeedNotStandTogether) {
  const auto log = read_csv_text("case,activity,org:resource\nB,x,r\nA,y,\nB,z,q\nA,x,r\n", "f");
  ASSERT_TRUE(log) << log.error().message;
  ASSERT_EQ(log->traces.size(), 2u);
  EXPECT_EQ(log->traces[0].case_key, "B");
  ASSERT_EQ(log->traces[0].events.size(), 2u);
  EXPECT_EQ(log->activities[log->traces[0].events[1].activity], "z");
  EXPECT_EQ(log->traces[0].events[1].resource, "q");
  EXPECT_EQ(log->activities[log->traces[1].events[0].activity], "y");
  EXPECT_EQ(log->traces[1].events[0].resource, "");
}

TEST(Csv, DatesThatMayBeEitherMustBeStated) {
  const std::string either = "case,activity,time\n1,a,10/11/2018 23:00\n";
  EXPECT_THAT(csv_refused(either), HasSubstr("state which"));
  CsvMapping mapping;
  mapping.date_order = "dmy";
  const auto day = read_csv_text(either, "f", mapping);
  mapping.date_order = "mdy";
  const auto month = read_csv_text(either, "f", mapping);
  ASSERT_TRUE(day && month);
  EXPECT_EQ(*day->traces[0].wall_start_ns - *month->traces[0].wall_start_ns,
            int64_t{30} * 86400 * 1'000'000'000);
  EXPECT_THAT(csv_refused("case,activity,time\n1,a,13/11/2018\n1,a,11/13/2018\n"),
              HasSubstr("mend them"));
  const auto proven = read_csv_text("case,activity,time\n1,a,10/11/2018\n1,a,10/13/2018\n", "f");
  ASSERT_TRUE(proven) << proven.error().message;
  EXPECT_THAT(proven->notices, Contains(HasSubstr("month-first")));
}

/// Activities of the first trace in the order of its times, and its first wall time.
std::string ordered(const std::string& times, std::initializer_list<const char*> rows,
                    const CsvMapping& mapping = {}) {
  std::string text = "case,activity," + times + "\n";
  char name = 'a';
  for (const char* row : rows) text += std::string("1,") + name++ + "," + row + "\n";
  const auto log = read_csv_text(text, "f.csv", mapping);
  if (!log) return log.error().message;
  auto events = log->traces[0].events;
  std::ranges::stable_sort(events, {}, &LogEvent::t0_ns);
  std::string out;
  for (const auto& e : events) out += log->activities[e.activity];
  return out + " " +
         (log->traces[0].wall_start_ns ? text::format_utc(*log->traces[0].wall_start_ns) : "none");
}

TEST(Csv, TimesAreReadAsProgramsWriteThem) {
  // Rows stand newest first, so a time that were not read would turn the order round.
  EXPECT_EQ(ordered("timestamp", {"2014/10/22 11:40:00.000", "2014/10/22 11:15:41.000"}),
            "ba 2014-10-22T11:15:41.000000000+00:00");
  EXPECT_EQ(ordered("timestamp",
                    {"12/31/2020 1:05:00 PM", "12/31/2020 9:30:00 AM", "12/31/2020 12:10:00 AM"}),
            "cba 2020-12-31T00:10:00.000000000+00:00");
  EXPECT_EQ(ordered("EventTime", {"22-Oct-2014 11:40", "22-Oct-2014 11:15"}),
            "ba 2014-10-22T11:15:00.000000000+00:00");
  EXPECT_EQ(ordered("timestamp", {"1413978000000", "1413976541500"}),
            "ba 2014-10-22T11:15:41.500000000+00:00");
  EXPECT_EQ(ordered("timestamp", {"1413978000", "1413976541"}),
            "ba 2014-10-22T11:15:41.000000000+00:00");
  EXPECT_EQ(ordered("timestamp", {"\"12,5\"", "\"3,25\""}), "ba none");
  EXPECT_EQ(ordered("timestamp", {"45382.00023148", "45382.00011574", "45382.00001157"}),
            "cba 2024-03-31T00:00:01.000000000+00:00");
  EXPECT_THAT(ordered("timestamp", {"45382.12342", "45382.12341", "45382.12340"}),
              HasSubstr("spreadsheet or seconds"));
}

TEST(Csv, TimesThatCannotBeReadAreRefusedUnlessTheRowsAreInOrder) {
  EXPECT_THAT(ordered("timestamp", {"Tue 3pm", "Tue 2pm"}), HasSubstr("f.csv:2: the time cannot"));
  EXPECT_THAT(ordered("timestamp", {"2014-10-22", "soon", "2014-10-21"}),
              HasSubstr("f.csv:3: the time cannot"));
  EXPECT_THAT(ordered("timestamp", {"2014-10-21", "soon", "2014-10-22"}), HasSubstr("abc "));
}

TEST(Csv, ALogWrittenNewestFirstKeepsItsOrderWithinEqualTimes) {
  const auto log = read_csv_text(
      "case,activity,time\n1,c,2014-10-22\n1,b,2014-10-21\n1,a,2014-10-21\n", "f.csv");
  ASSERT_TRUE(log) << log.error().message;
  std::string order;
  for (const auto& e : log->traces[0].events) order += log->activities[e.activity];
  EXPECT_EQ(order, "abc");
  EXPECT_THAT(log->notices, Contains(HasSubstr("newest first")));
}

TEST(Csv, SecondsFromTheCasesStartAreKept) {
  const auto log = read_csv_text("case;label;start_s;end_s\r\nA;x;1.5;4\r\nA;y;4;\r\n", "f");
  ASSERT_TRUE(log) << log.error().message;
  const auto& events = log->traces[0].events;
  EXPECT_EQ(events[0].t0_ns, 1'500'000'000);
  EXPECT_EQ(events[0].t1_ns, 4'000'000'000);
  EXPECT_TRUE(events[1].open);
  EXPECT_FALSE(log->traces[0].wall_start_ns);
}

TEST(Timestamp, ReadsWhatFilesWrite) {
  using text::parse_iso;
  EXPECT_EQ(parse_iso("1970-01-01T00:00:00Z")->utc_ns, 0);
  EXPECT_EQ(parse_iso("1970-01-02 01:00:00.000000001+01:00")->utc_ns, 86400'000000001);
  EXPECT_EQ(parse_iso("2000-02-29")->utc_ns, 951782400'000000000);
  EXPECT_FALSE(parse_iso("2001-02-29"));
  EXPECT_FALSE(parse_iso("2000-01-01T10:00:00 and more"));
  EXPECT_FALSE(parse_iso("0000-01-01"));
  EXPECT_EQ(text::format_utc(951782400'000000007), "2000-02-29T00:00:00.000000007+00:00");
  EXPECT_EQ(text::format_utc(-1), "1969-12-31T23:59:59.999999999+00:00");
}

TEST(Bpmn, AnOrGatewayIsRefusedByName) {
  const auto norm = read_bpmn(
      "<definitions><process id=\"p\"><task id=\"a\" name=\"a\"/>"
      "<inclusiveGateway id=\"g1\" name=\"either or both\"/>"
      "<sequenceFlow id=\"f\" sourceRef=\"a\" targetRef=\"g1\"/></process></definitions>",
      "m.bpmn");
  ASSERT_FALSE(norm);
  EXPECT_EQ(norm.error().code, Code::kUnsupported);
  EXPECT_THAT(norm.error().message, HasSubstr("'either or both' is refused"));
}

TEST(Bpmn, WhatIsNotReadIsCounted) {
  const auto norm = read_bpmn(
      "<definitions><process id=\"p\"><laneSet id=\"l\"/><startEvent id=\"s\"/>"
      "<task id=\"a\" name=\"a\"/><textAnnotation id=\"t\"/><textAnnotation id=\"u\"/>"
      "<sequenceFlow id=\"1\" sourceRef=\"s\" targetRef=\"a\"><conditionExpression>x &gt; 1"
      "</conditionExpression></sequenceFlow></process></definitions>",
      "m.bpmn");
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_THAT(norm->notices, Contains("1 'laneSet' elements are not used"));
  EXPECT_THAT(norm->notices, Contains("2 'textAnnotation' elements are not used"));
  EXPECT_THAT(norm->notices, Contains(HasSubstr("1 conditions of flows are not read")));
}

TEST(Bpmn, SubProcessesAreFlattenedAndLoopsRepeat) {
  const auto norm = read_bpmn(
      "<definitions><process id=\"p\"><startEvent id=\"s\"/>"
      "<subProcess id=\"sub\"><startEvent id=\"s2\"/><task id=\"a\" name=\"a\">"
      "<standardLoopCharacteristics/></task><sequenceFlow id=\"1\" sourceRef=\"s2\" "
      "targetRef=\"a\"/></subProcess><endEvent id=\"e\"/>"
      "<sequenceFlow id=\"2\" sourceRef=\"s\" targetRef=\"sub\"/>"
      "<sequenceFlow id=\"3\" sourceRef=\"sub\" targetRef=\"e\"/></process></definitions>",
      "m.bpmn");
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_THAT(norm->notices, Contains(HasSubstr("flattened")));
  EXPECT_THAT(norm->notices, Contains(HasSubstr("once or more")));
  EXPECT_EQ(norm->source.steps_size(), 1);
}

TEST(Pnml, WhatIsMissingIsTakenFromTheNetAndSaid) {
  const auto norm = read_pnml(
      "<pnml><net id=\"n\"><place id=\"p\"/><place id=\"q\"/>"
      "<transition id=\"t\"><name><text>a</text></name></transition>"
      "<arc source=\"p\" target=\"t\"/><arc source=\"t\" target=\"q\"/></net></pnml>",
      "m.pnml");
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_THAT(norm->notices, Contains(HasSubstr("no initial marking")));
  EXPECT_THAT(norm->notices, Contains(HasSubstr("no final marking")));
  EXPECT_EQ(norm->net.initial, (protocol::Marking{1, 0}));
  EXPECT_EQ(norm->net.finals, (std::vector<protocol::Marking>{{0, 1}}));
  EXPECT_FALSE(
      read_pnml("<pnml><net id=\"n\"><place id=\"p\"/><place id=\"p\"/></net></pnml>", "m"));
  EXPECT_FALSE(read_pnml("<pnml>", "m"));
  const auto inhibitor = read_pnml(
      "<pnml><net id=\"n\"><place id=\"p\"/><transition id=\"t\"/><arc id=\"x\" source=\"p\" "
      "target=\"t\"><arctype><text>inhibitor</text></arctype></arc></net></pnml>",
      "m.pnml");
  ASSERT_FALSE(inhibitor);
  EXPECT_THAT(inhibitor.error().message, HasSubstr("'x' is of type 'inhibitor'"));
}

TEST(Models, EntitiesAreRefused) {
  const std::string bomb = "<!DOCTYPE p [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
  for (const auto& norm :
       {read_pnml(bomb + "<pnml><net id=\"n\"><place id=\"p\"/></net></pnml>", "m.pnml"),
        read_bpmn(bomb + "<definitions><process id=\"p\"><task id=\"t\" name=\"&b;\"/></process>"
                         "</definitions>",
                  "m.bpmn")}) {
    ASSERT_FALSE(norm);
    EXPECT_THAT(norm.error().message, HasSubstr("declares an XML entity"));
  }
}

TEST(Pnml, ManyPlacesWithoutAWayOutNeedAFinalMarking) {
  std::string net =
      "<pnml><net id=\"n\"><place id=\"p\"/><transition id=\"t\"/>"
      "<arc source=\"p\" target=\"t\"/>";
  for (int i = 0; i < 5000; ++i) {
    const std::string id = "q" + std::to_string(i);
    net += "<place id=\"" + id + "\"/><arc source=\"t\" target=\"" + id + "\"/>";
  }
  const auto norm = read_pnml(net + "</net></pnml>", "m.pnml");
  ASSERT_FALSE(norm);
  EXPECT_THAT(norm.error().message, HasSubstr("5000 places without a way out"));
}

TEST(Models, DeepXmlIsRefused) {
  std::string deep = "<pnml>";
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  for (int i = 0; i < 200'000; ++i) deep += "</a>";
  deep += "</pnml>";
  const auto norm = read_pnml(deep, "m");
  ASSERT_FALSE(norm);
  EXPECT_THAT(norm.error().message, HasSubstr("1000 levels"));
}

}  // namespace
}  // namespace casebox::analytics::readers
