#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "analytics/conformance/tally_text.h"
#include "tools/report/briefing.h"
#include "tools/report/cells.h"
#include "tools/report/committee.h"
#include "tools/report/html.h"
#include "tools/report/liability.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAttack = "<script>alert(1)</script>\"'&";

v1::Finding departure(uint8_t id, v1::Certainty certainty, const std::string& kind,
                      const std::string& step) {
  v1::Finding finding;
  finding.set_id(std::string(31, static_cast<char>(id)) + "x");
  finding.set_kind("departure");
  finding.set_certainty(certainty);
  finding.set_step(step);
  finding.set_t0_ns(60'000'000'000);
  finding.set_t1_ns(61'000'000'000);
  (*finding.mutable_labels())["deviation"] = kind;
  (*finding.mutable_values())["margin"] = 2;
  finding.mutable_run()->set_job("conformance");
  finding.mutable_run()->set_protocol("norm@1.0.0");
  v1::SourceRange& source = *finding.add_sources();
  source.set_stream("team.marks");
  source.set_sha256(std::string(32, 'h'));
  return finding;
}

CaseEvidence evidence() {
  CaseEvidence e;
  e.view.case_id = "3fa90000-0000-4000-8000-000000000001";
  e.view.procedure = "lap-cholecystectomy";
  e.view.start = "2026-03-01T08:00:00.000000000Z";
  e.view.duration_s = 600;
  e.view.readable = true;
  e.view.consent_stated = true;
  e.view.consent = {"record", "quality", "patient-briefing"};
  e.view.end_s = 600;
  e.view.phase_source = "annotated";
  e.view.phases = {{"Preparation", "phase", "human", "nurse", 8, 120, .5, .5, false, "", {}}};
  e.view.findings = {departure(1, v1::CERTAINTY_CERTAIN, "missing", "time-out"),
                     departure(2, v1::CERTAINTY_AMBIGUOUS, "order", "sign-out"),
                     departure(3, v1::CERTAINTY_UNOBSERVED, "unobserved", "debrief"),
                     departure(4, v1::CERTAINTY_JUSTIFIED, "justified", "critical-view")};
  e.view.forecasts = {{10, 70, 80, 2, "monitor.numerics/ART_M", "mm[Hg]", "m", false},
                      {90, 80, 81, 2, "monitor.numerics/ART_M", "mm[Hg]", "m", true}};
  e.view.gaps = {{"room.video", "disconnected", "source", 100, 110, 5, 9, 5, false}};
  e.twin = twin_tracks(e.view.forecasts);
  e.phases = {{"Preparation", 8, 120, false}};
  e.custody.verdict = verify::Verdict::kCompleteWithDeclaredGaps;
  e.custody.case_digest.fill(0xAB);
  return e;
}

CohortCase cohort_case(int i, double preparation_s) {
  CohortCase one;
  one.case_id = "case-id-" + std::to_string(1000 + i);
  one.procedure = "lap-cholecystectomy";
  one.verdict = verify::Verdict::kComplete;
  one.comparison.outcome = Compared::Outcome::kRan;
  one.comparison.norm = {"norm@1.0.0", "ab12"};
  one.times.case_id = one.case_id;
  one.times.seconds["Preparation"] = preparation_s;
  return one;
}

Cohort cohort(int n) {
  Cohort out;
  for (int i = 1; i <= n; ++i) out.cases.push_back(cohort_case(i, 100 + i));
  return out;
}

/// The case's departures weigh so much by these values.
void weigh(CohortCase& one, const std::string& values, const std::string& tally) {
  v1::Finding finding;
  finding.set_id(one.case_id);  // its first bytes are those of every case
  finding.set_kind(kWeightsKind);
  auto read = analytics::conformance::parse_values(values);
  ASSERT_TRUE(read) << read.error().message;
  auto counts = analytics::conformance::parse_tally(tally, read->ids.size());
  ASSERT_TRUE(counts) << counts.error().message;
  one.comparison.weights = CaseWeights{*read, *counts, finding};
}

v1::Finding weights_finding() {
  v1::Finding finding = departure(9, v1::CERTAINTY_UNSPECIFIED, "", "");
  finding.set_kind(kWeightsKind);
  finding.set_text("Departures weigh 1.5 by the norm's own weights.");
  *finding.mutable_labels() = {};
  (*finding.mutable_labels())["value_weights"] = "patient-safety=3 shared-plan=1";
  (*finding.mutable_labels())["tally"] = "listed 1 0 1,0";
  *finding.mutable_values() = {};
  for (const auto& [key, value] : std::map<std::string, double>{{"declared_least", 1.5},
                                                                {"declared_most", 1.75},
                                                                {"equal_least", 1},
                                                                {"equal_most", 1},
                                                                {"random_median", 1.375},
                                                                {"random_low", 1.0625},
                                                                {"random_high", 1.9375},
                                                                {"draws", 1000}})
    (*finding.mutable_values())[key] = value;
  return finding;
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> out;
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
    out.insert((*it)[1].str());
  return out;
}

TEST(ReportHtml, TextNeverBecomesMarkup) {
  EXPECT_EQ(Html(kAttack).markup(), "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;");
  EXPECT_EQ(tag("a", {{"title", "\"><b"}}, {"<"}).markup(),
            "<a title=\"&quot;&gt;&lt;b\">&lt;</a>");
}

TEST(ReportHtml, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(Html("a\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80").markup(),
            "a\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  for (const char* bad : {"\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x01"})
    EXPECT_THAT(Html(bad).markup(), HasSubstr("\xEF\xBF\xBD")) << bad;
}

TEST(ReportHtml, WordsReadsCodesForPeople) {
  EXPECT_EQ(words("CalotTriangleDissection"), "Calot triangle dissection");
  EXPECT_EQ(words("time-out"), "Time out");
  EXPECT_EQ(words(""), "");
}

TEST(Reports, EscapeEverythingThatCameFromTheRecord) {
  CaseEvidence e = evidence();
  e.view.procedure = e.view.room = e.view.state = kAttack;
  e.view.phases[0].label = e.view.phases[0].by = e.phases[0].label = kAttack;
  e.view.gaps[0].stream = e.view.gaps[0].reason = kAttack;
  e.view.events.push_back(
      {5, -1, "twin-shown", kAttack, kAttack, kAttack, kAttack, kAttack, "s", 3});
  e.view.events.push_back({5, -1, "alarm", kAttack, kAttack, "begins", "", "", "s", 0});
  e.view.streams.emplace_back().stream.set_name(kAttack);
  e.custody.problems.push_back({kAttack, kAttack, kAttack});
  e.custody.proven.push_back(kAttack);
  e.twin[0].variable = e.twin[0].unit = kAttack;
  e.openings_known = true;
  e.openings.push_back({kAttack, kAttack, kAttack, true});
  for (v1::Finding& finding : e.view.findings) {
    finding.set_text(kAttack);
    finding.set_step(kAttack);
    (*finding.mutable_labels())["reason"] = kAttack;
    (*finding.mutable_labels())[kAttack] = kAttack;
    (*finding.mutable_values())[kAttack] = 1;
    finding.mutable_run()->set_protocol(kAttack);
    finding.mutable_sources(0)->set_stream(kAttack);
  }
  Cohort many = cohort(30);
  many.expression = kAttack;
  for (CohortCase& one : many.cases) {
    one.departures.push_back({kAttack, kAttack, kAttack, kAttack, "F-1"});
    one.procedure = kAttack;
    one.times.seconds[kAttack] = 3;
  }
  many.cases[0].times.excluded = kAttack;
  const std::string attack = analytics::conformance::values_text({{kAttack, "second"}, {2, 1}});
  for (CohortCase& one : many.cases) {
    one.comparison.norm.id = kAttack;
    weigh(one, attack, "listed 1 0 1,0");
  }
  e.view.findings.push_back(weights_finding());
  (*e.view.findings.back().mutable_labels())["value_weights"] = attack;
  e.view.findings.back().set_text(kAttack);
  const auto brief = briefing(e, kAttack);
  ASSERT_TRUE(brief);
  for (const std::string& html : {liability(e), *brief, committee(many)}) {
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, HasSubstr("script&gt;"));
  }
}

TEST(Reports, AskForNothingFromOutside) {
  const auto brief = briefing(evidence(), "the office");
  ASSERT_TRUE(brief);
  for (const std::string& html : {liability(evidence()), *brief, committee(cohort(12))}) {
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
    for (const char* outside : {"http:", "https:", "url(", "@import", "src=", "<link", "<script"})
      EXPECT_THAT(html, Not(HasSubstr(outside))) << outside;
  }
}

TEST(Reports, CarryTheSameTagOfAFinding) {
  const CaseEvidence e = evidence();
  const auto brief = briefing(e, "the office");
  ASSERT_TRUE(brief);
  const std::string file = liability(e);
  Cohort many = cohort(12);
  for (CohortCase& one : many.cases)
    one.departures.push_back(
        {"missing", "time-out", "certain", "safety", finding_tag(e.view.findings[0])});
  const std::string board = committee(many);
  const std::string name = finding_tag(e.view.findings[0]);
  EXPECT_EQ(name, "F-0101010101");
  for (const std::string& html : {file, *brief, board}) EXPECT_THAT(html, HasSubstr(name));
}

TEST(Reports, EveryReferenceLeadsToEvidenceInTheSameDocument) {
  Cohort many = cohort(40);
  for (CohortCase& one : many.cases)
    one.departures.push_back({"missing", "time-out", "certain", "safety", "F-0101010101"});
  CaseEvidence e = evidence();
  std::vector<CaseTimes> others;
  for (const CohortCase& one : many.cases) others.push_back(one.times);
  e.comparison = compare("lap-cholecystectomy", others);
  for (const std::string& html : {liability(e), committee(many)}) {
    const auto wanted = matches(html, "href=\"#([^\"]+)\""),
               there = matches(html, "id=\"([^\"]+)\"");
    EXPECT_FALSE(wanted.empty());
    for (const std::string& name : wanted) EXPECT_TRUE(there.contains(name)) << name;
  }
}

TEST(Liability, TellsCertaintiesApartWithMarginAndWhatWouldChangeThem) {
  const std::string html = liability(evidence());
  for (const char* text : {"Certain (1)", "Ambiguous (1)", "Unobserved (1)", "Justified (1)",
                           "Not seen: Time out", "Margin", "Would change this",
                           "Not observed is not omitted", "COMPLETE_WITH_DECLARED_GAPS"})
    EXPECT_THAT(html, HasSubstr(text));
}

TEST(Liability, ShowsHowMuchHangsOnTheWeights) {
  CaseEvidence e = evidence();
  EXPECT_THAT(liability(e), HasSubstr("Departures are not weighed"));
  e.view.findings.push_back(weights_finding());
  const std::string html = liability(e), name = finding_tag(e.view.findings.back());
  const std::string section = html.substr(html.find("7. Sensitivity to weights"),
                                          html.find("8. Analyses") - html.find("7. Sensitivity"));
  for (const std::string& text :
       {"Departures weigh 1.5 by the norm&#39;s own weights. <a class=\"tag\" href=\"#" + name,
        std::string("1.5 to 1.75"), std::string("1.375"), std::string("1.0625 to 1.9375"),
        std::string("1000 random weights"), std::string("Patient safety"),
        std::string("norm@1.0.0 declares")})
    EXPECT_THAT(section, HasSubstr(text));
  EXPECT_THAT(html, HasSubstr("id=\"" + name + "\""));
  e.view.findings.clear();
  EXPECT_THAT(liability(e),
              HasSubstr("not compared with a protocol, so there is nothing to weigh"));
}

TEST(Liability, ShowsALateForecastApart) {
  const std::string html = liability(evidence());
  EXPECT_THAT(html, HasSubstr("1 forecasts in time"));
  EXPECT_THAT(html, HasSubstr("1 issued after the time they speak of"));
  EXPECT_THAT(html, HasSubstr("class=\"late\""));
}

TEST(Liability, OfACaseWithoutKeyShowsItsCustodyAndNothingElse) {
  CaseEvidence e = evidence();
  e.view.readable = false;
  e.view.unreadable_reason = "no key";
  const std::string html = liability(e);
  EXPECT_THAT(html, HasSubstr("COMPLETE_WITH_DECLARED_GAPS"));
  EXPECT_THAT(html, HasSubstr("room.video"));
  EXPECT_THAT(html, HasSubstr("Nothing of its content is shown"));
  EXPECT_THAT(html, Not(HasSubstr("3. Time line")));
}

TEST(Briefing, IsRefusedWithoutConsentToIt) {
  CaseEvidence e = evidence();
  e.view.consent = {"record", "quality", "teaching"};
  const auto refused = briefing(e, "the office");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("patient-briefing"));
  e.view.consent_stated = false;
  e.view.consent = {};
  EXPECT_FALSE(briefing(e, "the office"));
  e = evidence();
  e.view.readable = false;
  EXPECT_FALSE(briefing(e, "the office"));
}

TEST(Briefing, SaysWhatDifferedWhyAndWhatWasNotRecorded) {
  CaseEvidence e = evidence();
  (*e.view.findings[3].mutable_labels())["reason"] = "adhesions";
  const auto html = briefing(e, "the patient office, room 12");
  ASSERT_TRUE(html);
  for (const char* text :
       {"keyhole removal of the gallbladder", "Safety check before the start", "Adhesions",
        "It may well have been done", "2 times.", "1 of these came too late",
        "the patient office, room 12", "improving care", "too few other operations"})
    EXPECT_THAT(*html, HasSubstr(text));
}

TEST(Committee, ShowsNothingOfACohortUnderEleven) {
  Cohort few = cohort(10);
  for (CohortCase& one : few.cases)
    one.departures.push_back({"missing", "time-out", "certain", "safety", "F-0101010101"});
  const std::string html = committee(few);
  EXPECT_THAT(html, HasSubstr("Fewer than 11 cases"));
  for (const char* hidden : {"<table", "Time out", "F-0101010101", "Median"})
    EXPECT_THAT(html, Not(HasSubstr(hidden))) << hidden;
}

TEST(Committee, WithholdsCellsUnderElevenAndTheirComplements) {
  Cohort many = cohort(30);
  for (size_t i = 0; i < many.cases.size(); ++i) {
    auto& departures = many.cases[i].departures;
    if (i < 10) departures.push_back({"extra", "ten-cases", "certain", "v10", "F-ten"});
    if (i < 15) departures.push_back({"extra", "fifteen-cases", "certain", "v15", "F-fifteen"});
    if (i < 25) departures.push_back({"extra", "not-five-cases", "certain", "v25", "F-not-five"});
  }
  const std::string html = committee(many);
  EXPECT_THAT(html, HasSubstr("Extra: Ten cases, certain</td><td class=\"num\">under 11</td>"));
  EXPECT_THAT(html, HasSubstr("Extra: Fifteen cases, certain</td><td class=\"num\">15 "));
  EXPECT_THAT(html, HasSubstr("Extra: Not five cases, certain</td><td class=\"num\">over 19</td>"));
  EXPECT_THAT(html, HasSubstr("F-fifteen"));
  EXPECT_THAT(html, Not(HasSubstr("F-ten")));
  EXPECT_THAT(html, Not(HasSubstr("F-not-five")));
}

/// `n` cases, each with one departure of each value named; the tally says the same.
void put(Cohort& cohort, size_t from, size_t to, const std::vector<std::string>& touched) {
  for (size_t i = from; i < to; ++i)
    for (const std::string& value : touched)
      cohort.cases[i].departures.push_back({"extra", "step-" + value, "certain", value, "F-x"});
}
void weigh_all(Cohort& cohort, const std::vector<std::string>& ids, const std::string& values) {
  for (CohortCase& one : cohort.cases) {
    std::string row;
    for (const std::string& id : ids)
      row += (row.empty() ? "" : ",") +
             std::to_string(std::ranges::count(one.departures, id, &CohortDeparture::value));
    weigh(one, values, "listed " + std::to_string(one.departures.size()) + " 0 " + row);
  }
}

TEST(Committee, WeighsDeparturesUnderThreeSetsOfWeights) {
  Cohort many = cohort(30);
  put(many, 0, 15, {"a"});
  put(many, 15, 30, {"b", "b"});
  weigh_all(many, {"a", "b"}, "a=3 b=1");
  const std::string html = committee(many);
  EXPECT_THAT(html, HasSubstr("As declared</td><td class=\"num\">1.25 "));
  EXPECT_THAT(html, HasSubstr("All equal</td><td class=\"num\">1.50 "));
  // Weights a : 2 - a, a uniform in 1 to 2: a mean of 2 - a / 2, 1.25 in the middle; every pair of
  // cases that differ stands the other way round under equal weights.
  EXPECT_THAT(html, ::testing::ContainsRegex("95 %</td><td class=\"num\">1.2[3-7] "));
  EXPECT_THAT(html, HasSubstr("<td class=\"num\">100.0 %</td>"));
  EXPECT_THAT(html, HasSubstr("30 cases by A 3, B 1"));
  EXPECT_THAT(html,
              HasSubstr("what departures weigh, of lap-cholecystectomy by norm@1.0.0, from 30 "
                        "findings"));
  EXPECT_THAT(html, HasSubstr(finding_tag(many.cases[0].comparison.weights->finding)));
}

TEST(Committee, LeavesOutAValueFromWhichAWithheldRowCouldBeComputed) {
  Cohort many = cohort(60);
  put(many, 0, 60, {"all", "seldom-too"});
  put(many, 0, 30, {"half"});
  put(many, 0, 5, {"few"});
  put(many, 0, 55, {"nearly"});
  for (size_t i = 0; i < 3; ++i)
    many.cases[i].departures.push_back({"missing", "rare", "certain", "seldom-too", "F-x"});
  weigh_all(many, {"all", "half", "few", "nearly", "seldom-too"},
            "all=1 half=1 few=9 nearly=9 seldom-too=9");
  const std::string html = committee(many);
  EXPECT_THAT(html, HasSubstr("60 cases by All 1, Half 1;"));
  EXPECT_THAT(html, HasSubstr("could be computed otherwise: Few, Nearly, Seldom too."));
  EXPECT_THAT(html, HasSubstr("As declared</td><td class=\"num\">1.50 "));
  // Eleven departures beyond the shown rows are enough that none of the rows can be told.
  for (size_t i = 20; i < 28; ++i)
    many.cases[i].departures.push_back({"missing", "other", "certain", "seldom-too", "F-x"});
  weigh_all(many, {"all", "half", "few", "nearly", "seldom-too"},
            "all=1 half=1 few=9 nearly=9 seldom-too=9");
  EXPECT_THAT(committee(many), HasSubstr("60 cases by All 1, Half 1, Seldom too 9;"));
}

TEST(Committee, DeparturesThatAreNotScoredDoNotCoverForFewThatAre) {
  Cohort many = cohort(60);
  put(many, 0, 60, {"all", "seldom-too"});
  for (size_t i = 0; i < 3; ++i)
    many.cases[i].departures.push_back({"missing", "rare", "certain", "seldom-too", "F-x"});
  weigh_all(many, {"all", "seldom-too"}, "all=1 seldom-too=9");
  // Ten cases whose step may have been done unseen: in the tables, in no sum.
  for (size_t i = 20; i < 30; ++i)
    many.cases[i].departures.push_back(
        {"missing", "unsure", "ambiguous", "seldom-too", "F-x", false});
  EXPECT_THAT(committee(many), HasSubstr("could be computed otherwise: Seldom too."));
}

TEST(Committee, WeighsNothingOfFewCases) {
  Cohort many = cohort(30);
  put(many, 0, 10, {"a", "a", "a"});  // so many that no row could be computed, but of ten cases
  weigh_all(many, {"a"}, "a=1");
  EXPECT_THAT(committee(many), HasSubstr("Under 11 cases have departures"));
  put(many, 10, 30, {"a"});
  weigh_all(many, {"a"}, "a=1");
  EXPECT_THAT(committee(many), HasSubstr("As declared"));
  // Of three cases nobody knows what their departures are.
  for (size_t i = 0; i < 3; ++i) weigh(many.cases[i], "a=1", "unknown");
  EXPECT_THAT(committee(many), HasSubstr("Too few cases could be weighed, or too few could not"));
  for (CohortCase& one : many.cases) one.comparison.weights.reset();
  EXPECT_THAT(committee(many), HasSubstr("declares no values, or the cases were compared before"));
}

TEST(Committee, DoesNotMixWhatDifferentProtocolsFound) {
  Cohort many = cohort(40);
  put(many, 0, 40, {"a"});
  for (size_t i = 0; i < 20; ++i) many.cases[i].comparison.norm.sha256 = "cd34";
  std::string html = committee(many);
  EXPECT_THAT(html, HasSubstr("cd34"));
  EXPECT_THAT(html, HasSubstr("ab12"));
  EXPECT_THAT(html, Not(HasSubstr("certain</td><td class=\"num\">40 ")));
  for (size_t i = 5; i < 20; ++i) many.cases[i].comparison.norm.sha256 = "ab12";
  html = committee(many);
  EXPECT_THAT(html, HasSubstr("fewer than 11 cases were compared with another protocol"));
  EXPECT_THAT(html, Not(HasSubstr("cd34")));
  // Skipped is not compared.
  for (CohortCase& one : many.cases) one.comparison.outcome = Compared::Outcome::kSkipped;
  EXPECT_THAT(committee(many), HasSubstr("Fewer than 11 cases were compared with a protocol"));
}

TEST(Committee, SaysWhatIsNotOnThePage) {
  const std::string html = committee(cohort(30));
  const std::string end = html.substr(html.find("Not on this page"));
  for (const char* text : {"control charts", "what a single case weighs", "diversity", "health"})
    EXPECT_THAT(end, HasSubstr(text));
}

TEST(Committee, NamesNoCase) { EXPECT_THAT(committee(cohort(30)), Not(HasSubstr("case-id-"))); }

TEST(Committee, LeavesOutCasesWhoseConsentForbidsIt) {
  Cohort many = cohort(30);
  for (int i = 0; i < 20; ++i) many.cases[static_cast<size_t>(i)].allowed = false;
  EXPECT_THAT(committee(many), HasSubstr("fewer than 11 cases; nothing is shown"));
}

TEST(Cells, PartsOfATotalCannotBeSubtracted) {
  EXPECT_THAT(shown_parts({50, 15, 5}), ElementsAre(true, false, false));
  EXPECT_THAT(shown_parts({50, 15, 12}), ElementsAre(true, true, true));
  EXPECT_THAT(shown_parts({50, 6, 7}), ElementsAre(true, false, false));
  EXPECT_THAT(shown_parts({50, 14, 2, 3}), ElementsAre(true, false, false, false));
}

TEST(Cells, AShareHasItsWilsonInterval) {
  // Wilson (1927) for 15 of 30: 0.331 to 0.669.
  EXPECT_EQ((Cell{15, 30}.share()), "50 % (33 to 67 %)");
  EXPECT_EQ((Cell{10, 30}.share()), "");
  EXPECT_EQ((Cell{30, 30}.text()), "30");
  EXPECT_EQ((Cell{20, 30}.text()), "over 19");
}

TEST(Comparison, GivesTheMedianWithItsOrderStatisticInterval) {
  std::vector<CaseTimes> others;
  for (int i = 1; i <= 20; ++i) others.push_back(cohort_case(i, i).times);
  others.push_back(cohort_case(99, 1e9).times);
  others.back().excluded = "a device clock was broken";
  const Comparison result = compare("p", others);
  const PhaseStatistics* row = result.find("Preparation");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->n, 20u);
  EXPECT_EQ(row->median_s, 10.5);
  EXPECT_EQ(row->low_s, 6);  // n = 20: 6th and 15th of the ordered values (95.9 %)
  EXPECT_EQ(row->high_s, 15);
  EXPECT_NEAR(row->p10_s, 2.9, 1e-9);
  EXPECT_EQ(result.excluded.at("a device clock was broken"), 1u);
}

TEST(Comparison, GivesNoNumberOfAGroupUnderEleven) {
  std::vector<CaseTimes> others;
  for (int i = 1; i <= 10; ++i) others.push_back(cohort_case(i, i).times);
  const Comparison few = compare("p", others);
  ASSERT_NE(few.find("Preparation"), nullptr);
  EXPECT_EQ(few.find("Preparation")->median_s, 0);
  CaseEvidence e = evidence();
  e.comparison = few;
  EXPECT_THAT(liability(e), HasSubstr("10 (under 11)"));
}

TEST(Tags, ResultsOfOtherInputsHaveOtherTags) {
  EXPECT_NE(result_tag("timing", "a", {"1", "2"}), result_tag("timing", "a", {"12"}));
  EXPECT_NE(result_tag("timing", "a", {"1"}), result_tag("timing", "b", {"1"}));
  EXPECT_EQ(result_tag("timing", "a", {"1"}), result_tag("timing", "a", {"1"}));
}

}  // namespace
}  // namespace casebox::tools::report
