// Each report of several kinds of case, read for statements that its facts do not hold.

#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/tools/report_samples.h"
#include "tools/report/briefing.h"
#include "tools/report/gap_spans.h"
#include "tools/report/html.h"
#include "tools/report/liability.h"
#include "tools/report/sections.h"

namespace casebox::tools::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

analytics::facts::StreamFact stream(const std::string& name, v1::StreamKind kind, uint64_t items) {
  analytics::facts::StreamFact out;
  out.stream.set_name(name);
  out.stream.set_kind(kind);
  out.items = items;
  return out;
}

v1::Finding run_of(const std::string& outcome, const std::string& reason = "") {
  v1::Finding finding;
  finding.set_kind("run");
  finding.set_id(std::string(32, 'r'));
  finding.mutable_run()->set_job("conformance");
  finding.mutable_run()->set_protocol("norm@1.0.0");
  (*finding.mutable_labels())["outcome"] = outcome;
  if (!reason.empty()) (*finding.mutable_labels())["reason"] = reason;
  return finding;
}

struct Kind {
  std::string name;
  CaseEvidence e;
};

/// One case of each kind that a report has to be right about.
std::vector<Kind> kinds() {
  CaseEvidence clean = evidence();
  clean.view.gaps.clear();
  clean.view.findings = {run_of("ran")};
  clean.view.streams = {stream("room.video", v1::STREAM_KIND_VIDEO, 9000),
                        stream("team.marks", v1::STREAM_KIND_TEAM, 12)};
  clean.custody.verdict = verify::Verdict::kComplete;
  std::vector<Kind> out = {{"clean", clean}};
  const auto add = [&](const std::string& name, const std::function<void(CaseEvidence&)>& change) {
    out.push_back({name, clean});
    change(out.back().e);
  };
  add("departures", [](CaseEvidence& e) { e.view.findings = evidence().view.findings; });
  add("gaps", [](CaseEvidence& e) {
    for (const char* name : {"room.video", "monitor.waves"})
      e.view.gaps.push_back({name, "disconnected", "source", 100, 700, 9, {}});
    e.view.gaps.push_back({"room.video", "disconnected", "source", 400, 700, 4, {}});
  });
  add("broken clock", [](CaseEvidence& e) {
    e.view.findings = evidence().view.findings;
    for (v1::Finding& one : e.view.findings) (*one.mutable_labels())["timing"] = "withheld";
    e.view.timing_withheld = {"clock 1 was broken"};
    for (auto& phase : e.view.phases) phase.placed = false;
    query::ClockFact clock;
    clock.clock_id = 1;
    clock.streams = {"monitor.ecg"};
    clock.broken = true;
    e.view.clocks = {clock};
    clock = {2, {"pump.state"}, false, 3, 0.02, 500, -1.25, std::nullopt};
    e.view.clocks.push_back(clock);
  });
  add("no norm", [](CaseEvidence& e) { e.view.findings.clear(); });
  add("skipped norm", [](CaseEvidence& e) {
    e.view.findings = {run_of("skipped", "the norm is for another procedure")};
  });
  add("failed norm", [](CaseEvidence& e) { e.view.findings = {run_of("failed", "internal")}; });
  add("no video", [](CaseEvidence& e) { e.view.streams.erase(e.view.streams.begin()); });
  add("video that gave nothing", [](CaseEvidence& e) { e.view.streams[0].items = 0; });
  add("no consent", [](CaseEvidence& e) {
    e.view.consent = {};
    e.view.consent_stated = false;
  });
  add("undated", [](CaseEvidence& e) { e.view.start.clear(); });
  add("unclosed", [](CaseEvidence& e) {
    e.custody.verdict = verify::Verdict::kUnclosed;
    e.view.complete = false;
    e.phases.back().open = e.view.phases.back().open = true;
  });
  add("tampered", [](CaseEvidence& e) {
    e.custody.verdict = verify::Verdict::kTampered;
    e.custody.problems = {{"head", "stream 3", "its chain does not meet what was signed"}};
    e.view.complete = false;
  });
  add("no procedure", [](CaseEvidence& e) {
    e.view.procedure.clear();
    e.lay = {};
  });
  add("no phases", [](CaseEvidence& e) {
    e.view.phases.clear();
    e.phases.clear();
    e.phases_from.clear();
  });
  add("unseen only", [](CaseEvidence& e) {
    e.view.findings = {departure(3, v1::CERTAINTY_UNOBSERVED, "unobserved", "debrief")};
  });
  return out;
}

/// The words of a page, without marks.
std::string text_of(const std::string& html) {
  const std::string body = html.substr(html.find("<main>"));
  return std::regex_replace(std::regex_replace(body, std::regex("<[^>]+>"), " "),
                            std::regex("\\s+"), " ");
}

size_t times(const std::string& text, const std::string& word) {
  size_t n = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

bool was_compared(const CaseEvidence& e) { return compared(e.view.findings).ran(); }

TEST(ReportFacts, BriefingsSayWhatTheRecordHolds) {
  for (const auto& [name, e] : kinds()) {
    SCOPED_TRACE(name);
    const auto made = briefing(e, "the office");
    const bool allowed = has_consent(e.view, "patient-briefing");
    ASSERT_EQ(bool(made), allowed);
    if (!allowed) continue;
    const std::string text = text_of(*made);
    const auto says = [&](const std::string& words, bool wanted) {
      EXPECT_EQ(text.find(words) != std::string::npos, wanted) << words << "\n" << text;
    };
    says("was not compared with a plan", !was_compared(e));
    const bool any = !findings(e.view, "departure").empty();
    says("Nothing that was recorded differed", was_compared(e) && (!any || name == "unseen only"));
    says("was compared with a written plan", was_compared(e));
    says("could not be compared, as nothing was recording there", name == "unseen only");
    const bool video = !e.view.streams.empty() &&
                       e.view.streams[0].stream.kind() == v1::STREAM_KIND_VIDEO &&
                       e.view.streams[0].items > 0;
    says("Pictures were recorded", video);
    says("No pictures were recorded", !video);
    says("carries no date", e.view.start.empty());
    says("did not pass its check", !e.view.complete);
    EXPECT_EQ(text.find(verify::to_string(e.custody.verdict)) != std::string::npos,
              !e.view.complete);
    says("is not in the recording", e.view.procedure.empty());
    says("keyhole removal of the gallbladder", !e.view.procedure.empty());
    says("How long each part took is not said", !e.view.timing_withheld.empty());
    says("about 2 minutes", e.view.timing_withheld.empty() && !e.phases.empty() &&
                                !e.phases.back().open);  // 8 to 120 s
    says("its end was not recorded", !e.phases.empty() && e.phases.back().open);
    says("were not told apart in this recording", e.phases.empty());
    says("No gap in the recording is known",
         e.view.gaps.empty() && e.view.complete && name != "departures" && name != "broken clock" &&
             name != "unseen only" && name != "video that gave nothing");
    // Two streams without the same ten minutes, one of them told twice: ten minutes.
    if (name == "gaps") {
      says("Room video: about 10 minutes in all", true);
      says("for about 10 minutes of the recording", true);
    }
    // Nothing that is not built, or that no record can know.
    for (const char* promise : {"unrecognisable", "redact", "your own account",
                                "kept with the recording", "People made every decision",
                                "your care does not depend", "agreed way", "blood pressure"})
      says(promise, false);
    for (const char* blame : {"forgot", "omitted", "failed to", "mistake was", "Missing"})
      says(blame, false);
    EXPECT_FALSE(std::regex_search(text, std::regex("[0-9]\\.[0-9]+ s\\b"))) << text;
    // One line of names.
    EXPECT_EQ(times(text, e.view.case_id), 1u);
    const std::string before = text.substr(0, text.find("For experts:"));
    EXPECT_FALSE(std::regex_search(before, std::regex("[FRT]-[0-9a-f]{10}"))) << before;
  }
}

TEST(ReportFacts, LiabilityFilesSayWhatTheRecordHolds) {
  for (const auto& [name, e] : kinds()) {
    SCOPED_TRACE(name);
    const std::string text = text_of(liability(e));
    const auto says = [&](const std::string& words, bool wanted) {
      EXPECT_EQ(text.find(words) != std::string::npos, wanted) << words;
    };
    says("The case was not compared with a protocol", !was_compared(e));
    says("The comparison with a protocol failed", name == "failed norm");
    says("Compared with norm@1.0.0: ", was_compared(e));
    says("0 departures certain, 0 ambiguous, 0 unobserved, 0 justified",
         was_compared(e) && findings(e.view, "departure").empty());
    says("1 departures certain, 1 ambiguous, 1 unobserved, 1 justified",
         name == "departures" || name == "broken clock");
    says("no date is known", e.view.start.empty());
    says("no gap was declared", e.view.gaps.empty());
    if (name == "gaps") says("something is missing for 10 min 00 s together", true);
    says("withheld: only its place in the order is known", name == "broken clock");
    says("1 of 2 device clocks were broken", name == "broken clock");
    says("the largest 95 % bound of the others is", name == "broken clock");
    says("No device clock was estimated. ", e.view.clocks.empty());
    if (name == "broken clock") {
      EXPECT_NE(text.find("1: monitor.ecg 0.000 not estimated broken: no timing claim 0"),
                std::string::npos)
          << text.substr(text.find("Annex B"));
      EXPECT_NE(text.find("2: pump.state -1.250 not estimated"), std::string::npos);
    }
    says("no problem was found", e.custody.problems.empty());
    says("The recorded consent does not name litigation", e.view.consent_stated);
    says("No consent is stated in the record", !e.view.consent_stated);
    says("Phases: none are known", e.phases_from.empty());
    EXPECT_LT(text.find("Summary"), text.find("1. Custody"));
    EXPECT_LT(text.find("9. Limits"), text.find("Annex A"));
  }
}

TEST(ReportFacts, StepsThatOnlyPeopleMarkWereNotMarked) {
  CaseEvidence e = evidence();
  const std::pair<const char*, const char*> kSaid[] = {
      {"people", "The safety check before the start was not marked"},
      {"devices", "The safety check before the start left no trace in what the devices recorded"},
      {"both", "The safety check before the start was neither marked nor seen"}};
  for (const auto& [by, said] : kSaid) {
    (*e.view.findings[0].mutable_labels())["shown_by"] = by;
    const auto made = briefing(e, "the office");
    ASSERT_TRUE(made);
    EXPECT_THAT(text_of(*made), HasSubstr(said));
  }
  (*e.view.findings[0].mutable_labels())["of"] = "time";
  (*e.view.findings[0].mutable_values())["excess_s"] = -5;
  EXPECT_THAT(text_of(*briefing(e, "the office")), HasSubstr("was shorter than the plan says"));
}

TEST(GapSpans, CountASecondOnce) {
  const std::vector<query::GapFact> gaps = {{"a", "x", "source", 10, 20, 0, {}},
                                            {"b", "y", "source", 15, 25, 0, {}},
                                            {"a", "x", "source", 12, 18, 0, {}},
                                            {"b", "x", "source", 40, 41, 0, {}}};
  const auto all = gap_spans(gaps);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].t1_s, 25);
  EXPECT_EQ(all[0].streams, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(length_s(all), 16);
  EXPECT_EQ(length_s(gap_spans(gaps, "a")), 10);
  EXPECT_EQ(length_s(gap_spans(gaps, "b")), 11);
}

}  // namespace
}  // namespace casebox::tools::report
