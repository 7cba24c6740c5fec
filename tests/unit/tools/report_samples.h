#pragma once

// Evidence of one case, and a cohort, as the tests of reports change them.

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "analytics/conformance/tally_text.h"
#include "tools/report/cohort_evidence.h"
#include "tools/report/evidence.h"

namespace casebox::tools::report {

inline constexpr const char* kAttack = "<script>alert(1)</script>\"'&";

inline v1::Finding departure(uint8_t id, v1::Certainty certainty, const std::string& kind,
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

inline CaseEvidence evidence() {
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
  e.view.phases = {{"Preparation", "phase", "human", "nurse", 8, 120, query::Bound{7.5, 8.5},
                    query::Bound{119.5, 120.5}}};
  e.view.findings = {departure(1, v1::CERTAINTY_CERTAIN, "missing", "time-out"),
                     departure(2, v1::CERTAINTY_AMBIGUOUS, "order", "sign-out"),
                     departure(3, v1::CERTAINTY_UNOBSERVED, "unobserved", "debrief"),
                     departure(4, v1::CERTAINTY_JUSTIFIED, "justified", "critical-view")};
  e.view.forecasts = {{10, 70, 80, 2, "monitor.numerics/ART_M", "mm[Hg]", "m", false},
                      {90, 80, 81, 2, "monitor.numerics/ART_M", "mm[Hg]", "m", true}};
  e.view.gaps = {{"room.video", "disconnected", "source", 100, 110, 5, {}}};
  e.twin = twin_tracks(e.view.forecasts);
  e.phases = {{"Preparation", 8, 120, false}};
  e.custody.verdict = verify::Verdict::kCompleteWithDeclaredGaps;
  e.custody.case_digest.fill(0xAB);
  e.view.complete = true;
  e.phases_from = "annotated";
  e.lay.procedure = "keyhole removal of the gallbladder";
  e.lay.steps = {{"time-out", "the safety check before the start"},
                 {"Preparation", "getting ready inside the abdomen"}};
  return e;
}

inline CohortCase cohort_case(int i, double preparation_s) {
  CohortCase one;
  one.case_id = "case-id-" + std::to_string(1000 + i);
  one.procedure = "lap-cholecystectomy";
  one.verdict = verify::Verdict::kComplete;
  one.comparison.outcome = Compared::Outcome::kRan;
  one.comparison.norm = {"norm@1.0.0", "ab12"};
  one.room = "or-" + std::to_string(1 + i % 2);
  one.start_utc_ns = 1'700'000'000'000'000'000 + int64_t{i} * 86'400'000'000'000;
  one.duration_s = 3000 + preparation_s;
  one.times.case_id = one.case_id;
  one.times.seconds["Preparation"] = preparation_s;
  return one;
}

inline Cohort cohort(int n) {
  Cohort out;
  for (int i = 1; i <= n; ++i) out.cases.push_back(cohort_case(i, 100 + i));
  return out;
}

/// The case's departures weigh so much by these values.
inline void weigh(CohortCase& one, const std::string& values, const std::string& tally) {
  v1::Finding finding;
  finding.set_id(one.case_id);  // its first bytes are those of every case
  finding.set_kind(kWeightsKind);
  auto read = analytics::conformance::parse_values(values);
  ASSERT_TRUE(read) << read.error().message;
  auto counts = analytics::conformance::parse_tally(tally, read->ids.size());
  ASSERT_TRUE(counts) << counts.error().message;
  one.comparison.weights = CaseWeights{*read, *counts, finding};
}

inline v1::Finding weights_finding() {
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

inline std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> out;
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
    out.insert((*it)[1].str());
  return out;
}

}  // namespace casebox::tools::report
