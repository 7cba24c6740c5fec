#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/report_samples.h"
#include "tools/report/briefing.h"
#include "tools/report/committee.h"
#include "tools/report/html.h"
#include "tools/report/liability.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
  analytics::facts::Moment moment;
  moment.kind = analytics::facts::MomentKind::kShown;
  moment.code = moment.label = moment.value = moment.unit = moment.role = kAttack;
  moment.length_ns = 3'000'000'000;
  e.view.moments.all.push_back(moment);
  moment.kind = analytics::facts::MomentKind::kAlarm;
  moment.on = true;
  e.view.moments.all.push_back(moment);
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
       {"keyhole removal of the gallbladder", "The safety check before the start", "Adhesions",
        "It may well have been done", "2 times.", "One of these came too late",
        "the patient office, room 12", "improving care", "too few other such operations"})
    EXPECT_THAT(*html, HasSubstr(text));
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
  EXPECT_THAT(liability(e), HasSubstr("no phase has 11 other cases to compare it with"));
  EXPECT_THAT(liability(e), Not(HasSubstr("Usual range")));
}

TEST(Tags, ResultsOfOtherInputsHaveOtherTags) {
  EXPECT_NE(result_tag("timing", "a", {"1", "2"}), result_tag("timing", "a", {"12"}));
  EXPECT_NE(result_tag("timing", "a", {"1"}), result_tag("timing", "b", {"1"}));
  EXPECT_EQ(result_tag("timing", "a", {"1"}), result_tag("timing", "a", {"1"}));
}

}  // namespace
}  // namespace casebox::tools::report
