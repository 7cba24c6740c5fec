#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/query/evaluate.h"
#include "tools/query/parser.h"

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
  EXPECT_THAT(error_of("departure(\"late\")"), HasSubstr("unknown departure"));
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

}  // namespace
}  // namespace casebox::tools::query
