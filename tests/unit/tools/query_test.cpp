#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/cli/names.h"
#include "tools/cli/nearest.h"
#include "tools/query/evaluate.h"
#include "tools/query/parser.h"
#include "tools/query/vocabulary.h"

namespace casebox::tools::query {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(const std::string& text) {
  auto result = parse(text);
  return result ? "" : result.error().message;
}

std::string form_of(const std::string& text) {
  auto result = parse(text);
  return result ? (*result)->text_form() : result.error().message;
}

CaseFacts facts(uint8_t id, const std::string& procedure, double preparation_s) {
  CaseFacts out;
  out.id.bytes[0] = id;
  out.procedure = procedure;
  out.room = "or-1";
  out.start_utc_ns = 1'767'225'600'000'000'000;  // 2026-01-01
  out.duration_s = 3600;
  if (preparation_s > 0) {
    PhaseFact phase;
    phase.label = "preparation";
    phase.t0_s = 10;
    phase.t1_s = 10 + preparation_s;
    phase.sources.emplace_back().set_stream_id(7);
    out.phases.push_back(phase);
  }
  return out;
}

TEST(QueryParser, ReadsAConditionAndItsPrecedence) {
  EXPECT_EQ(form_of("procedure = \"a\" or room = 'b' and not gaps > 0"),
            "(procedure = \"a\" or (room = \"b\" and not gaps > 0))");
  EXPECT_EQ(form_of("(procedure = \"a\" or room = \"b\") and gaps == 0"),
            "((procedure = \"a\" or room = \"b\") and gaps = 0)");
}

TEST(QueryParser, ReadsTimesWithUnitsPercentilesAndDates) {
  EXPECT_EQ(form_of("phase(\"x\").duration > 10min"), "phase(\"x\").duration > 600");
  EXPECT_EQ(form_of("phase(\"x\").start <= 250ms"), "phase(\"x\").start <= 0.25");
  EXPECT_EQ(form_of("duration >= p95"), "duration >= p95");
  EXPECT_EQ(form_of("date >= 2026-02-28"), "date >= 2026-02-28");
  EXPECT_EQ(form_of("departure(\"missing\", \"time-out\")"),
            "departure(\"missing\", \"time-out\")");
}

TEST(QueryParser, ItsTextFormParsesToTheSameForm) {
  for (const char* text : {"not (gaps > 0 or phase(\"a\\\"b\"))", "departure()",
                           "duration < 1.5h and state != \"open\""})
    EXPECT_EQ(form_of(form_of(text)), form_of(text)) << text;
}

TEST(QueryParser, SaysAtWhichCharacterItStopped) {
  EXPECT_THAT(error_of("procedure = 5"), StartsWith("query:13: procedure is compared with text"));
  EXPECT_THAT(error_of("colour = \"red\""), StartsWith("query:1: unknown name 'colour'"));
  EXPECT_THAT(error_of("duration > 5 parsecs"), StartsWith("query:14: unexpected 'parsecs'"));
  EXPECT_THAT(error_of("duration > 5parsecs"), HasSubstr("unknown unit"));
  EXPECT_THAT(error_of("phase(\"x\").colour > 1"), StartsWith("query:12: unknown part"));
  EXPECT_THAT(error_of("date > 2026-02-30"), StartsWith("query:8: '2026-02-30' is no date"));
  EXPECT_THAT(error_of("gaps > 0 and"), StartsWith("query:13: a condition is missing"));
  EXPECT_THAT(error_of("procedure = \"abc"), HasSubstr("not closed"));
  EXPECT_THAT(error_of("duration > p100"), HasSubstr("p1 to p99"));
}

TEST(QueryParser, RefusesNestingThatWouldExhaustTheStack) {
  EXPECT_THAT(error_of(std::string(2000, '(')), HasSubstr("nested too deeply"));
  std::string nots;
  for (int i = 0; i < 900; ++i) nots += "not ";
  EXPECT_THAT(error_of(nots + "gaps > 0"), HasSubstr("nested too deeply"));
}

TEST(QueryEvaluate, FindsCasesByProcedureAndPhaseDurationWithTheirSources) {
  const std::vector<CaseFacts> cases = {facts(1, "gastric-bypass", 700),
                                        facts(2, "gastric-bypass", 500),
                                        facts(3, "lap-cholecystectomy", 900)};
  auto expr = parse("procedure = \"gastric-bypass\" and phase(\"preparation\").duration > 600");
  ASSERT_TRUE(expr);
  const Answer answer = evaluate(**expr, cases);
  ASSERT_EQ(answer.rows.size(), 1u);
  EXPECT_EQ(answer.rows[0].case_id, cases[0].id);
  EXPECT_EQ(answer.rows[0].value, 700);
  EXPECT_EQ(answer.rows[0].t0_s, 10);
  ASSERT_EQ(answer.rows[0].sources.size(), 1u);
  EXPECT_EQ(answer.rows[0].sources[0].stream_id(), 7u);
  EXPECT_EQ(answer.scanned, 3u);
}

TEST(QueryEvaluate, TakesAPercentileOverTheCasesThatHaveThePhase) {
  std::vector<CaseFacts> cases;
  for (int i = 1; i <= 20; ++i) cases.push_back(facts(static_cast<uint8_t>(i), "p", i * 10));
  cases.push_back(facts(99, "p", 0));
  auto expr = parse("phase(\"preparation\").duration > p95");
  const Answer answer = evaluate(**expr, cases);  // p95 of 10..200 is 190.5
  ASSERT_EQ(answer.cases.size(), 1u);
  EXPECT_EQ(answer.cases[0].bytes[0], 20);
  EXPECT_THAT(answer.plan.back(), HasSubstr("190.5"));
}

TEST(QueryEvaluate, CountsASealedCaseAsUnknownAndNeverAsAMatch) {
  std::vector<CaseFacts> cases = {facts(1, "p", 0)};
  cases[0].sealed = true;
  const Answer answer = evaluate(**parse("not departure(\"missing\")"), cases);
  EXPECT_TRUE(answer.cases.empty());
  EXPECT_EQ(answer.unknown, 1u);
  EXPECT_EQ(evaluate(**parse("procedure = \"p\""), cases).cases.size(), 1u);
}

TEST(QueryEvaluate, ACaseNobodyHasLookedAtIsNeitherAMatchNorAMiss) {
  std::vector<CaseFacts> cases = {facts(1, "p", 60), facts(2, "p", 0)};
  cases[1].phases_known = cases[1].departures_known = false;
  for (const char* text : {"phase(\"preparation\").entries < 100", "not departure(\"missing\")"}) {
    const Answer answer = evaluate(**parse(text), cases);
    EXPECT_EQ(answer.unanalysed, 1u) << text;
    ASSERT_EQ(answer.cases.size(), 1u) << text;
    EXPECT_EQ(answer.cases[0], cases[0].id) << text;
  }
  const Answer header = evaluate(**parse("duration > 0"), cases);
  EXPECT_EQ(header.unanalysed, 0u) << "the header is known of every case";
  EXPECT_EQ(header.cases.size(), 2u);
}

TEST(QueryEvaluate, AWithheldTimeIsNeitherAMatchNorAMiss) {
  std::vector<CaseFacts> cases = {facts(1, "p", 60), facts(2, "p", 60), facts(3, "p", 60)};
  cases[1].withheld = cases[2].withheld = {"a clock is broken"};
  cases[2].phases.front().placed = false;
  const auto withheld = [&](const std::string& text) {
    const Answer answer = evaluate(**parse(text), cases);
    EXPECT_EQ(answer.cases.size() + answer.withheld, 3u) << text;
    return answer.withheld;
  };
  EXPECT_EQ(withheld("phase(\"preparation\").duration > 0"), 2u);
  EXPECT_EQ(withheld("not phase(\"preparation\").duration > 100"), 2u);
  EXPECT_EQ(withheld("phase(\"preparation\").start >= 0"), 1u) << "moments hold where ends overlap";
  EXPECT_EQ(withheld("phase(\"preparation\").entries = 1"), 0u);
  EXPECT_EQ(withheld("phase(\"other\").duration > 0 or procedure = \"p\""), 0u);
  const Answer places = evaluate(**parse("phase(\"preparation\").entries = 1"), cases);
  EXPECT_TRUE(places.rows[1].placed);
  EXPECT_FALSE(places.rows[2].placed) << "its place in time is withheld, too";
}

TEST(QueryEvaluate, FindsDeparturesByKindAndStep) {
  CaseFacts one = facts(1, "p", 0);
  one.departures.push_back({"f1", "missing", "time-out", "", "certain", "", 5, 5, {}});
  const std::vector<CaseFacts> cases = {one};
  EXPECT_EQ(evaluate(**parse("departure()"), cases).rows.size(), 1u);
  EXPECT_EQ(evaluate(**parse("departure(\"missing\", \"time-out\")"), cases).rows.size(), 1u);
  EXPECT_TRUE(evaluate(**parse("departure(\"missing\", \"debrief\")"), cases).cases.empty());
  EXPECT_TRUE(evaluate(**parse("departure(\"extra\")"), cases).cases.empty());
}

TEST(QueryEvaluate, ComparesDatesByUtcDay) {
  const std::vector<CaseFacts> cases = {facts(1, "p", 0)};
  EXPECT_EQ(evaluate(**parse("date = 2026-01-01"), cases).cases.size(), 1u);
  EXPECT_TRUE(evaluate(**parse("date > 2026-01-01"), cases).cases.empty());
  EXPECT_EQ(evaluate(**parse(""), cases).cases.size(), 1u);
}

std::string name_error_of(const std::string& text, const std::vector<CaseFacts>& cases) {
  const auto expr = parse(text);
  if (!expr) return expr.error().message;
  Vocabulary vocabulary = own_vocabulary();
  add_cases(cases, vocabulary);
  const auto checked = check_names(**expr, text, vocabulary);
  return checked ? "" : checked.error().message;
}

TEST(QueryParser, ReadsArithmeticBeforeComparisonsAndPhaseAgainstPhase) {
  EXPECT_EQ(form_of("phase(\"a\").duration > 2 * phase(\"b\").duration + 1min"),
            "phase(\"a\").duration > ((2 * phase(\"b\").duration) + 60)");
  EXPECT_EQ(form_of("-(gaps - 1) < 3 and not door.count within phase('x') = 0"),
            "(-(gaps - 1) < 3 and not door.count within phase(\"x\") = 0)");
  EXPECT_EQ(form_of("vitals(\"ART_M\").min within phase(\"x\") < 55"),
            "vitals(\"ART_M\").min within phase(\"x\") < 55");
  for (const char* text : {"(duration - 1h) / 2 >= phase(\"a\").end - phase(\"b\").start",
                           "departure(\"missing\", \"\", \"certain\").count >= 2",
                           "norm.version < \"1.10.0\" or consent(\"teaching\")"})
    EXPECT_EQ(form_of(form_of(text)), form_of(text)) << text;
}

TEST(QueryParser, RefusesWhatCannotBeComparedWhereItStands) {
  EXPECT_THAT(error_of("duration > gaps"), StartsWith("query:12: a time (s) is not compared with"));
  EXPECT_THAT(error_of("gaps > 5min"), StartsWith("query:8: a count is not compared with a time"));
  EXPECT_THAT(error_of("duration + gaps > 1"), StartsWith("query:10: a time (s) and a count"));
  EXPECT_THAT(error_of("procedure + 1 > 2"), StartsWith("query:1: procedure is no number"));
  EXPECT_THAT(error_of("gaps > 0 and duration"), StartsWith("query:22: a comparison is missing"));
  EXPECT_THAT(error_of("gaps > 0 and duration + 1"), StartsWith("query:14: this is no condition"));
  EXPECT_THAT(error_of("departure() > 0"), StartsWith("query:1: a condition is not compared"));
  EXPECT_THAT(error_of("1 < 2"), StartsWith("query:1: this is the same for every case"));
  EXPECT_THAT(error_of("phase(\"x\").duration within phase(\"y\") > 1"),
              StartsWith("query:21: phase is of a whole case"));
  EXPECT_THAT(error_of("vitals(\"HR\") > 1"), HasSubstr("write .min, max, mean or count"));
  EXPECT_THAT(error_of("procedure = \"\u00e4\u00f6\" and colour"), StartsWith("query:22: unknown"))
      << "characters are counted, not bytes";
}

TEST(QueryParser, SuggestsTheNameThatWasMeant) {
  EXPECT_THAT(error_of("durration > 1"), HasSubstr("did you mean \"duration\"?"));
  EXPECT_EQ(nearest("ClipingCuting", {"Preparation", "ClippingCutting"}), "ClippingCutting");
  EXPECT_EQ(nearest("clipping-cutting", {"ClippingCutting"}), "ClippingCutting");
  EXPECT_EQ(nearest("xyz", {"Preparation", "ClippingCutting"}), "");
}

TEST(QueryVocabulary, AMisspeltNameIsAnErrorAtItsPlace) {
  std::vector<CaseFacts> cases = {facts(1, "lap-cholecystectomy", 60)};
  EXPECT_EQ(name_error_of("phase(\"preparation\")", cases), "");
  EXPECT_EQ(name_error_of("phase(\"ClippingCutting\")", cases), "") << "a norm knows it";
  EXPECT_THAT(name_error_of("gaps = 0 and phase(\"preperation\")", cases),
              AllOf(StartsWith("query:20: no case here and no norm has the phase \"preperation\""),
                    HasSubstr("did you mean \"preparation\"?")));
  EXPECT_THAT(name_error_of("procedure = \"lap-colecystectomy\"", cases),
              AllOf(StartsWith("query:13:"), HasSubstr("\"lap-cholecystectomy\"?")));
  EXPECT_THAT(name_error_of("state = \"close\"", cases),
              AllOf(StartsWith("query:9: there is no state"), HasSubstr("\"closed\"?")));
  EXPECT_THAT(name_error_of("departure(\"mising\")", cases), HasSubstr("\"missing\"?"));
}

TEST(QueryVocabulary, ANameThatOnlyANormHasIsDoubtedWhereACaseHasOneLikeIt) {
  const std::vector<CaseFacts> cases = {facts(1, "lap-cholecystectomy", 60)};
  Vocabulary vocabulary = own_vocabulary();
  add_cases(cases, vocabulary);
  EXPECT_THAT(names_to_doubt(**parse("phase(\"Preparation\")"), vocabulary),
              ::testing::ElementsAre(HasSubstr("did you mean \"preparation\"?")));
  EXPECT_TRUE(names_to_doubt(**parse("phase(\"preparation\")"), vocabulary).empty());
  EXPECT_TRUE(names_to_doubt(**parse("phase(\"ClippingCutting\")"), vocabulary).empty());
}

TEST(QueryVocabulary, WhereNoCaseCouldBeAskedNothingIsSaidOfAName) {
  std::vector<CaseFacts> cases = {facts(1, "p", 0)};
  cases[0].sealed = true;
  cases[0].phases_known = false;
  EXPECT_EQ(name_error_of("phase(\"nonsense\")", cases), "");
  EXPECT_EQ(evaluate(**parse("phase(\"nonsense\")"), cases).unknown, 1u);
  cases.push_back(facts(2, "p", 60));
  EXPECT_THAT(name_error_of("phase(\"nonsense\")", cases), StartsWith("query:7:"));
}

TEST(QueryEvaluate, WhatOneSideSettlesIsAnsweredAllTheSame) {
  std::vector<CaseFacts> cases = {facts(1, "p", 0)};
  cases[0].sealed = true;
  EXPECT_EQ(evaluate(**parse("procedure = \"p\" or departure()"), cases).cases.size(), 1u);
  const Answer none = evaluate(**parse("procedure = \"q\" and departure()"), cases);
  EXPECT_TRUE(none.cases.empty());
  EXPECT_EQ(none.unknown, 0u) << "it does not match, whatever is in it";
  EXPECT_EQ(evaluate(**parse("procedure = \"q\" or departure()"), cases).unknown, 1u);
}

TEST(QueryEvaluate, AnAnswerThatItsBoundsCouldTurnIsNotSure) {
  std::vector<CaseFacts> cases = {facts(1, "p", 602), facts(2, "p", 590), facts(3, "p", 900)};
  for (CaseFacts& one : cases) {
    PhaseFact& phase = one.phases[0];
    phase.start = Bound{phase.t0_s - 10, phase.t0_s + 10};
    phase.end = Bound{phase.t1_s - 10, phase.t1_s + 10};
  }
  const Answer answer = evaluate(**parse("phase(\"preparation\").duration > 600"), cases);
  ASSERT_EQ(answer.rows.size(), 2u);
  EXPECT_FALSE(answer.rows[0].sure);
  EXPECT_TRUE(answer.rows[1].sure);
  EXPECT_NEAR(answer.rows[0].u95_s.value_or(0), 14.142, 1e-3);
  EXPECT_EQ(answer.unsure_matches, 1u);
  EXPECT_EQ(answer.unsure_misses, 1u);
  const Answer turned = evaluate(**parse("not phase(\"preparation\").duration > 600"), cases);
  EXPECT_EQ(turned.unsure_matches, 1u);
}

TEST(QueryEvaluate, ABoundaryIsAsSureToEachSideAsItsOwnBound) {
  CaseFacts one = facts(1, "p", 600);
  PhaseFact& phase = one.phases[0];
  phase.start = Bound{phase.t0_s - 1, phase.t0_s + 60};
  phase.end = Bound{phase.t1_s, phase.t1_s};
  const std::vector<CaseFacts> cases = {one};
  const auto sure = [&](const std::string& question) {
    const Answer answer = evaluate(**parse(question), cases);
    return answer.rows.size() == 1 && answer.rows[0].sure;
  };
  // It may have begun a minute later, so it may be shorter, and hardly longer.
  EXPECT_TRUE(sure("phase(\"preparation\").duration < 605"));
  EXPECT_FALSE(sure("phase(\"preparation\").duration > 595"));
  EXPECT_TRUE(sure("phase(\"preparation\").duration > 535"));
}

TEST(QueryEvaluate, ADepartureInSomeExplanationsOnlyIsNotSure) {
  CaseFacts one = facts(1, "p", 0);
  one.departures.push_back({"f1", "missing", "time-out", "", "ambiguous", "", 5, 5, {}});
  const std::vector<CaseFacts> cases = {one};
  const Answer answer = evaluate(**parse("departure(\"missing\")"), cases);
  ASSERT_EQ(answer.rows.size(), 1u);
  EXPECT_FALSE(answer.rows[0].sure);
  EXPECT_EQ(answer.rows[0].certainty, "ambiguous");
  EXPECT_TRUE(evaluate(**parse("departure(\"missing\", \"\", \"certain\")"), cases).cases.empty());
  EXPECT_EQ(evaluate(**parse("departure().count = 1"), cases).unsure_matches, 1u);
}

TEST(QueryEvaluate, AnUndatedCaseIsBeforeNothing) {
  std::vector<CaseFacts> cases = {facts(1, "p", 0)};
  cases[0].start_utc_ns = 0;
  const Answer answer = evaluate(**parse("date < 2026-12-31"), cases);
  EXPECT_TRUE(answer.cases.empty());
  EXPECT_EQ(answer.unrecorded, 1u);
}

TEST(QueryEvaluate, NoDoorsAreNotZeroWhereNothingWatchedThem) {
  using analytics::facts::Moment;
  std::vector<CaseFacts> cases = {facts(1, "p", 60), facts(2, "p", 60)};
  CaseFacts& watched = cases[0];
  watched.end_s = 3600;
  watched.coverage.streams.push_back({"room.door", v1::STREAM_KIND_ROOM, false, 4, {}});
  for (const int64_t t : {20, 200}) {
    Moment& door = watched.moments.all.emplace_back();
    door.kind = analytics::facts::MomentKind::kRoom;
    door.code = "door";
    door.on = true;
    door.stream = "room.door";
    door.t_ns = t * 1'000'000'000;
    door.u95_ns = 0;
  }
  const Answer none = evaluate(**parse("door.count < 100"), cases);
  EXPECT_EQ(none.cases.size(), 1u);
  EXPECT_EQ(none.unrecorded, 1u);
  const Answer within = evaluate(**parse("door.count within phase(\"preparation\") = 1"), cases);
  ASSERT_EQ(within.cases.size(), 1u);
  EXPECT_EQ(within.rows[0].t0_s, 20);
  // A moment at the very beginning of a phase is within it: both are the nearest double.
  watched.moments.all[1].t_ns = 460'000'000'000;
  watched.phases[0].t0_s = seconds_of(460'000'000'000);
  watched.phases[0].t1_s = 500;
  EXPECT_EQ(evaluate(**parse("door.count within phase(\"preparation\") = 1"), cases).cases.size(),
            1u);
  watched.moments.all[1].t_ns = 200'000'000'000;
  watched.coverage.streams[0].lapses.push_back({50'000'000'000, 60'000'000'000, "disconnected"});
  EXPECT_EQ(evaluate(**parse("door.count = 2"), cases).unsure_matches, 1u) << "there may be more";
  EXPECT_EQ(evaluate(**parse("door.count >= 2"), cases).unsure_matches, 0u);
}

TEST(QueryEvaluate, GroupsCountWhatWasAskedAndWhatWasNot) {
  std::vector<CaseFacts> cases = {facts(1, "a", 60), facts(2, "a", 700), facts(3, "b", 700)};
  cases[2].phases_known = false;
  const Answer answer =
      evaluate(**parse("phase(\"preparation\").duration > 600"), cases, By::kProcedure);
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups.at("a").matching, 1u);
  EXPECT_EQ(answer.groups.at("a").asked, 2u);
  EXPECT_EQ(answer.groups.at("b").asked, 0u);
  EXPECT_EQ(answer.groups.at("b").not_asked, 1u);
}

}  // namespace
}  // namespace casebox::tools::query
