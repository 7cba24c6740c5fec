#include "tools/query/sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace casebox::tools::query {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

CaseFacts facts(uint8_t id, double preparation_s) {
  CaseFacts out;
  out.id.bytes[0] = id;
  out.procedure = "p";
  out.verdict = "COMPLETE";
  PhaseFact phase;
  phase.label = "Preparation";
  phase.t0_s = 10;
  phase.t1_s = 10 + preparation_s;
  phase.start = Bound{phase.t0_s - 1, phase.t0_s + 3};
  phase.end = Bound{phase.t1_s - 4, phase.t1_s + 2};
  phase.sources.emplace_back().set_stream_id(7);
  out.phases.push_back(phase);
  return out;
}

std::string error_of(const std::string& statement) {
  const auto sql = Sql::prepare(statement);
  return sql ? "" : sql.error().message;
}

Result<SqlAnswer> answer(const std::string& statement, const std::vector<CaseFacts>& cases,
                         const SqlLimits& limits = {}) {
  CASEBOX_TRY(auto sql, Sql::prepare(statement, limits));
  for (const CaseFacts& one : cases) CASEBOX_CHECK(sql->add(one));
  return sql->run();
}

TEST(QuerySql, AnswersASelectWithTypesAndUnits) {
  const auto got =
      answer("SELECT phase, duration_s, duration_u95_s, 1+1 AS two FROM phases", {facts(1, 60)});
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->columns.size(), 4u);
  EXPECT_EQ(got->columns[1].unit, "s");
  EXPECT_EQ(got->columns[1].type, "REAL");
  EXPECT_EQ(got->columns[3].unit, "");
  ASSERT_EQ(got->rows.size(), 1u);
  EXPECT_THAT(got->rows[0], ElementsAre(Cell("Preparation"), Cell(60.0), Cell(5.0), Cell(2L)));
}

TEST(QuerySql, ABoundHasTwoSides) {
  const auto got = answer(
      "SELECT t0_low_s - t0_s, t0_high_s - t0_s, t1_low_s - t1_s, "
      "t1_high_s - t1_s, t0_u95_s, t1_u95_s FROM phases",
      {facts(1, 60)});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(got->rows.at(0),
              ElementsAre(Cell(-1.0), Cell(3.0), Cell(-4.0), Cell(2.0), Cell(3.0), Cell(4.0)));
}

TEST(QuerySql, ReadsOfEachCaseOnlyWhatTheStatementReads) {
  const auto headers = Sql::prepare("SELECT count(*), procedure FROM cases GROUP BY procedure");
  ASSERT_TRUE(headers) << headers.error().message;
  EXPECT_FALSE((*headers)->needs().content());
  const auto norms = Sql::prepare("SELECT norm FROM cases");
  EXPECT_TRUE((*norms)->needs().departures);
  EXPECT_FALSE((*norms)->needs().phases);
  const auto vitals = Sql::prepare("WITH low AS (SELECT * FROM vitals) SELECT min(min) FROM low");
  EXPECT_TRUE((*vitals)->needs().all_vitals);
}

TEST(QuerySql, WithheldTimesAreNull) {
  CaseFacts overlapping = facts(1, 60), broken = facts(2, 60);
  overlapping.withheld = {"phases overlap"};
  broken.withheld = {"a clock is broken"};
  broken.phases[0].placed = false;
  const auto got = answer("SELECT t0_s, duration_s, withheld FROM phases ORDER BY case_id",
                          {overlapping, broken});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(got->rows[0], ElementsAre(Cell(10.0), Cell(), Cell("phases overlap")));
  EXPECT_THAT(got->rows[1], ElementsAre(Cell(), Cell(), Cell("a clock is broken")));
}

TEST(QuerySql, ACaseThatCannotBeReadHasItsRowAmongCasesOnly) {
  CaseFacts sealed = facts(1, 60);
  sealed.sealed = true;
  sealed.sealed_why = "no keystore";
  const auto got =
      answer("SELECT readable, not_readable, departures, (SELECT count(*) FROM phases) FROM cases",
             {sealed});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(got->rows[0], ElementsAre(Cell(0L), Cell("no keystore"), Cell(), Cell(0L)));
  EXPECT_EQ(not_asked(sealed, Reads::kPhases, "phases"), "no keystore");
}

TEST(QuerySql, CanDoNothingButReadItsRelations) {
  for (const char* statement : {"INSERT INTO cases(case_id) VALUES('x')",
                                "UPDATE cases SET room = 'x'",
                                "DELETE FROM phases",
                                "DROP TABLE cases",
                                "CREATE TABLE x(a)",
                                "CREATE TEMP TABLE x(a)",
                                "CREATE VIEW v AS SELECT 1",
                                "CREATE INDEX i ON cases(room)",
                                "ALTER TABLE cases ADD x",
                                "ATTACH DATABASE '/etc/passwd' AS x",
                                "ATTACH ':memory:' AS x",
                                "DETACH main",
                                "PRAGMA temp_store = FILE",
                                "PRAGMA table_info(cases)",
                                "VACUUM INTO 'casebox-x'",
                                "BEGIN",
                                "SAVEPOINT a",
                                "REINDEX",
                                "ANALYZE",
                                "SELECT load_extension('x')",
                                "SELECT * FROM pragma_table_info('cases')",
                                "SELECT * FROM sqlite_master",
                                "SELECT sql FROM sqlite_schema",
                                "CREATE VIRTUAL TABLE x USING fts3(a)",
                                "SELECT fts3_tokenizer('a')",
                                "WITH x AS (SELECT 1) DELETE FROM cases",
                                "EXPLAIN SELECT 1 FROM cases",
                                "SELECT ? FROM cases",
                                "",
                                ";",
                                "-- nothing",
                                "SELECT 1; SELECT 2"}) {
    const std::string error = error_of(statement);
    EXPECT_THAT(error, StartsWith("query:")) << statement;
    EXPECT_THAT(error, HasSubstr("; ")) << statement;
  }
  EXPECT_THAT(error_of("DELETE FROM phases"), HasSubstr("DELETE writes"));
  EXPECT_THAT(error_of("ATTACH ':memory:' AS x"), HasSubstr("ATTACH opens files"));
  EXPECT_THAT(error_of("SELECT load_extension('x')"), HasSubstr("load_extension"));
  EXPECT_EQ(error_of("SELECT 1 FROM cases;  "), "");
}

TEST(QuerySql, SaysWhereAWrongNameStandsAndWhatItMayMean) {
  EXPECT_THAT(error_of("SELECT * FROM phase"), HasSubstr("did you mean phases?"));
  EXPECT_THAT(error_of("SELECT phse FROM phases"),
              AllOf(StartsWith("query:8: no such column: phse"), HasSubstr("did you mean phase?")));
  EXPECT_THAT(error_of("SELECT \"phse\" FROM phases"), HasSubstr("no such column"))
      << "not the text phse";
  EXPECT_THAT(error_of("SELEC 1"), StartsWith("query:1: "));
}

TEST(QuerySql, ATextThatStandsInNoRowIsNoticedWhenOneLikeItDoes) {
  auto sql = Sql::prepare("SELECT * FROM phases WHERE phase = 'Preperation' OR phase LIKE 'x%'");
  ASSERT_TRUE((*sql)->add(facts(1, 60)));
  ASSERT_TRUE((*sql)->run());
  EXPECT_THAT((*sql)->notices(), ElementsAre(HasSubstr("did you mean 'Preparation'?")));
  auto right = Sql::prepare("SELECT * FROM phases WHERE phase = 'Preparation'");
  ASSERT_TRUE((*right)->add(facts(1, 60)));
  ASSERT_TRUE((*right)->run());
  EXPECT_THAT((*right)->notices(), ElementsAre());
}

TEST(QuerySql, EndsAtItsLimits) {
  SqlLimits limits;
  limits.time = std::chrono::milliseconds(50);
  const auto forever = answer(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", {},
      limits);
  ASSERT_FALSE(forever);
  EXPECT_EQ(forever.error().code, Code::kUnavailable);
  EXPECT_THAT(forever.error().message, HasSubstr("longer than 50 ms"));
  limits.rows = 10;
  limits.time = std::chrono::seconds(10);
  const auto many = answer(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 11) SELECT i FROM n",
      {}, limits);
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().message, HasSubstr("more than 10 rows"));
  const auto huge = answer("SELECT length(zeroblob(100000000))", {});
  ASSERT_FALSE(huge);
  EXPECT_THAT(huge.error().message, HasSubstr("too long"));
}

TEST(QuerySql, EveryRelationTakesARowForEachOfItsColumns) {
  CaseFacts full = facts(1, 60);
  full.departures.push_back({"f1", "missing", "time-out", "", "certain", "", 5, 5, {}});
  full.comparison.outcome = Compared::Outcome::kRan;
  full.clocks.push_back({1, {"monitor"}, false, 0, 0.01});
  full.consent = {"quality"};
  full.consent_stated = true;
  full.gaps.push_back({"monitor", "disconnected", "source", 1, 2, 3, {}});
  full.twin.scores.emplace_back();
  full.vitals.emplace_back();
  full.coverage.streams.push_back({"monitor", v1::STREAM_KIND_NUMERIC, false, 1, {}});
  full.phases.push_back(full.phases[0]);
  full.phases.back().level = "step";
  full.phases.push_back(full.phases[0]);
  full.phases.back().level = "mark";
  for (const auto kind :
       {analytics::facts::MomentKind::kRoom, analytics::facts::MomentKind::kAlarm,
        analytics::facts::MomentKind::kMark, analytics::facts::MomentKind::kChecklist}) {
    auto& moment = full.moments.all.emplace_back();
    moment.kind = kind;
    moment.code = "door";
    moment.on = true;
  }
  for (const Relation& relation : relations()) {
    size_t rows = 0;
    relation.rows(full, [&](Cells&& cells) {
      ++rows;
      EXPECT_EQ(cells.size(), relation.columns.size()) << relation.name;
    });
    EXPECT_GE(rows, 1u) << relation.name;
    const auto got = answer("SELECT * FROM " + relation.name, {full});
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->rows.size(), rows) << relation.name;
  }
}

}  // namespace
}  // namespace casebox::tools::query
