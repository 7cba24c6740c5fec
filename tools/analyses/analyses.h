#pragma once

// Analyses of many cases at once, which `casebox analyze NAME` runs over a store or over a log of
// any origin. Each is one file of this folder: it turns the options and a cohort into a document,
// a text for people, and the findings that a study keeps. The method itself is a pure function
// under analytics/.
//
// Thread safety: free functions. The same cohort and options give the same result.

#include <string>
#include <vector>

#include "analytics/finding/finding.h"
#include "tools/analyses/cohort.h"
#include "tools/cli/json.h"

namespace casebox::tools {

struct CohortResult {
  Json json = Json::object();  // the keys behind schema, version, job and cases
  std::string text;            // whole lines
  /// In a fixed order, at time 0; numbers and codes only.
  std::vector<analytics::finding::Draft> findings;
  /// What the findings say of their run, where it applies: job_version (else "1"), protocol,
  /// protocol_sha256, seed, order_basis (else "start").
  v1::AnalysisRun run;
  /// Of each case of a store's cohort: frames looked at beside those of the cohort's events. Empty:
  /// none.
  std::vector<std::vector<v1::SourceRange>> frames;
};

struct CohortAnalysis {
  std::string name;
  std::string summary;    // one line of the help text
  std::vector<Arg> args;  // options of its own; an option that several have is listed by the first
  Result<CohortResult> (*run)(const Args& args, const Cohort& cohort) = nullptr;
  std::vector<std::string> shown_only = {};  // of `args`: change what is shown, not what is found
};

// One function a file; functions, so that a table built before main() finds them made.
const CohortAnalysis& timing_analysis();
const CohortAnalysis& spc_analysis();
const CohortAnalysis& diversity_analysis();
const CohortAnalysis& dfg_analysis();
const CohortAnalysis& variants_analysis();
const CohortAnalysis& profile_analysis();
const CohortAnalysis& skeleton_analysis();

/// In the order in which the help text lists them.
const std::vector<const CohortAnalysis*>& cohort_analyses();
/// Null: no analysis of many cases is called so.
const CohortAnalysis* find_cohort_analysis(const std::string& name);

}  // namespace casebox::tools
