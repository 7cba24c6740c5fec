#include "tools/report/committee.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/tools/report_samples.h"
#include "tools/report/copies.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(html, HasSubstr("Extra: Ten cases, certain</td><td class=\"num\">withheld</td>"));
  EXPECT_THAT(html, HasSubstr("Extra: Fifteen cases, certain</td><td class=\"num\">15 "));
  EXPECT_THAT(html,
              HasSubstr("Extra: Not five cases, certain</td><td class=\"num\">withheld</td>"));
  EXPECT_THAT(html, HasSubstr("F-fifteen"));
  EXPECT_THAT(html, Not(HasSubstr("F-ten")));
  EXPECT_THAT(html, Not(HasSubstr("F-not-five")));
}

/// The rows of a table of the page, cells between bars.
std::vector<std::string> rows_of(const std::string& html, const std::string& caption) {
  std::vector<std::string> out;
  const size_t begin = html.find("<caption>" + caption);
  if (begin == std::string::npos) return out;
  const std::string table = html.substr(begin, html.find("</table>", begin) - begin);
  const std::regex row("<tr>(<td.*?)</tr>"), markup("<a [^>]*>[^<]*</a>|<[^>]*>");
  for (std::sregex_iterator it(table.begin(), table.end(), row), end; it != end; ++it)
    out.push_back(std::regex_replace(std::regex_replace((*it)[1].str(), std::regex("</td>"), "|"),
                                     markup, ""));
  return out;
}

TEST(Committee, ChartsMediansOfElevenOperationsInTheOrderOfTheirDates) {
  Cohort many = cohort(124);
  for (size_t i = 0; i < many.cases.size(); ++i)
    many.cases[i].duration_s = 3000 + 7.0 * static_cast<double>(i * 37 % 124);
  many.cases[60].duration_s = 36'000;  // one operation of ten hours moves no point
  std::ranges::reverse(many.cases);
  const std::string html = committee(many);
  const auto rows = rows_of(html, "How long operations took");
  ASSERT_EQ(rows.size(), 11u) << "124 are 11 groups of 11 and 3 that fill none";
  for (const std::string& row : rows) EXPECT_THAT(row, Not(HasSubstr("no limits"))) << row;
  EXPECT_THAT(html, HasSubstr("with centre line and limits"));
  EXPECT_THAT(html, HasSubstr("Limits from 11 points are provisional"));
  for (const CohortCase& one : many.cases) ASSERT_TRUE(one.start_utc_ns);
  std::ranges::sort(many.cases, {}, [](const CohortCase& one) { return *one.start_utc_ns; });
  for (size_t i = 80; i < many.cases.size(); ++i) many.cases[i].duration_s *= 2;
  EXPECT_THAT(rows_of(committee(many), "How long operations took").back(),
              HasSubstr("two of three beyond 2 sigma on one side"));
  EXPECT_THAT(html, Not(HasSubstr("10 h")));
  // Without dates there is no order.
  for (CohortCase& one : many.cases) one.start_utc_ns.reset();
  EXPECT_TRUE(rows_of(committee(many), "How long operations took").empty());
  EXPECT_THAT(committee(many), HasSubstr("Too few dated operations"));
}

TEST(Committee, ChartsOfFewGroupsHaveNoLimits) {
  const std::string html = committee(cohort(40));
  const auto rows = rows_of(html, "How long operations took");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0], HasSubstr("no limits"));
  EXPECT_THAT(html, HasSubstr("oldest first, without limits"));
}

TEST(Committee, ARoomThatLiesOutsideIsShownAndASmallOneIsNot) {
  Cohort many = cohort(300);
  for (size_t i = 0; i < many.cases.size(); ++i) {
    CohortCase& one = many.cases[i];
    one.room = i < 8 ? "or-small" : "or-" + std::to_string(1 + i % 4);
    const bool departs = one.room == "or-1" ? i % 8 == 0 : i >= 8 && i % 5 == 0;
    if (departs) one.departures.push_back({"missing", "time-out", "certain", "safety", "F-1"});
  }
  const std::string html = committee(many);
  const auto rows = rows_of(html, "Operations with a certain departure, by room");
  ASSERT_EQ(rows.size(), 3u) << "the fourth would leave the small one as the rest";
  EXPECT_THAT(rows[0], AllOf(HasSubstr("or-1|"), HasSubstr("outside 99.8 % limits")));
  EXPECT_THAT(html, Not(HasSubstr("or-small")));
  EXPECT_THAT(html, HasSubstr("are left out, of the limits too"));
  EXPECT_THAT(html, HasSubstr("with 95 and 99.8 % limits"));
  // Of two rooms there are no limits to be within.
  for (size_t i = 0; i < many.cases.size(); ++i)
    many.cases[i].room = "or-" + std::to_string(1 + i % 2);
  const std::string two = committee(many);
  EXPECT_THAT(rows_of(two, "Operations with a certain departure, by room").at(0),
              HasSubstr("no limits"));
  EXPECT_THAT(two, HasSubstr("No limits: 2 groups"));
  EXPECT_THAT(two, Not(HasSubstr("with 95 and 99.8 % limits")));
}

TEST(Committee, CountsWaysAsHillNumbers) {
  Cohort many = cohort(40);
  for (size_t i = 0; i < many.cases.size(); ++i)
    for (const char* phase : {i % 4 == 0 ? "B" : "A", i % 4 == 0 ? "A" : "B"})
      many.cases[i].times.spans.push_back({phase, many.cases[i].times.spans.empty() ? 0. : 60.,
                                           many.cases[i].times.spans.empty() ? 60. : 120., false});
  const auto rows = rows_of(committee(many), "Ways of doing it");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0], HasSubstr("|2.0 |"));
  EXPECT_THAT(rows[1], HasSubstr("|1.8 |"));  // exp(-.25 ln .25 - .75 ln .75) = 1.755
  EXPECT_THAT(rows[2], HasSubstr("|1.6 |"));  // 1 / (.25^2 + .75^2)
  many.cases.resize(30);
  for (size_t i = 10; i < many.cases.size(); ++i) many.cases[i].times.spans.clear();
  EXPECT_THAT(committee(many), HasSubstr("Phases are known of fewer than 11"));
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
  EXPECT_THAT(html, HasSubstr("what departures weigh, of lap-cholecystectomy by norm@1.0.0, from "
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
  for (const char* text : {"points are single cases", "what a single case weighs", "health"})
    EXPECT_THAT(end, HasSubstr(text));
}

TEST(Committee, NamesNoCase) { EXPECT_THAT(committee(cohort(30)), Not(HasSubstr("case-id-"))); }

TEST(Committee, LeavesOutCasesWhoseConsentForbidsIt) {
  Cohort many = cohort(30);
  for (int i = 0; i < 20; ++i) many.cases[static_cast<size_t>(i)].allowed = false;
  EXPECT_THAT(committee(many), HasSubstr("fewer than 11 cases; nothing is shown"));
}

TEST(Committee, CommandsNameTheDepartureOfTheirRow) {
  Cohort many = cohort(30);
  put(many, 0, 15, {"a"});
  many.expression = "room = \"OR 7\"";
  const std::string html = committee(many);
  EXPECT_THAT(html, HasSubstr("departure(&quot;extra&quot;, &quot;step-a&quot;)"));
  EXPECT_THAT(html, Not(HasSubstr("KIND")));
}

Content content(const std::string& id, double shift, double jitter) {
  Content out;
  out.case_id = id;
  double t = shift;
  for (const char* label : {"Preparation", "CalotTriangleDissection", "ClippingCutting",
                            "GallbladderDissection", "GallbladderRetraction"}) {
    out.spans.push_back({label, t + jitter, t + 300 - jitter, false});
    t += 300;
  }
  return out;
}

TEST(Copies, AreTheSamePhasesInAnotherFormat) {
  const Content original = content("a", 0, 0);
  Content reformatted = content("b", 3600, .4);  // counted from another zero, rounded to seconds
  for (PhaseSpan& span : reformatted.spans)
    span.label = span.label == "ClippingCutting" ? "clipping_cutting" : span.label;
  EXPECT_TRUE(same_operation(original, reformatted));
  Content other = original;
  other.spans[2].t1_s += 1.5;
  EXPECT_FALSE(same_operation(original, other));
  other = original;
  other.spans[2].t0_s += 1.5;
  EXPECT_FALSE(same_operation(original, other));
  other = original;
  other.spans[2].label = "Preparation";
  EXPECT_FALSE(same_operation(original, other));
}

TEST(Copies, OfLittleContentAreToldByTheirFilesOnly) {
  Content a, b;
  a.case_id = "a";
  b.case_id = "b";
  EXPECT_FALSE(same_operation(a, b));  // nothing is known of either
  a.spans = b.spans = {{"Preparation", 0, 10, false}};
  EXPECT_FALSE(same_operation(a, b));
  a.source_digest = b.source_digest = "same files";
  EXPECT_TRUE(same_operation(a, b));
}

TEST(Copies, TwelveOfOneOperationAreOneCase) {
  std::vector<Content> many;
  for (int i = 11; i >= 0; --i)
    many.push_back(content(std::string(1, static_cast<char>('a' + i)), 10. * i, 0));
  many.push_back(content("z", 0, 0));
  many.back().spans[0].t1_s = 17;  // another operation
  const std::vector<Copy> copies = copies_of(many);
  ASSERT_EQ(copies.size(), 11u);
  for (const Copy& copy : copies) {
    EXPECT_EQ(copy.of, "a");
    EXPECT_NE(copy.case_id, "z");
  }
}

}  // namespace
}  // namespace casebox::tools::report
