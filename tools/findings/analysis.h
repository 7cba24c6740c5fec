#pragma once

// Analysis of stored cases: runs the jobs over a case and writes what they find into the store,
// through the log of its own that every producer has. `analyze`, `demo` and `serve` call it.
//
// A job whose findings are the same as those in force is not written again; one whose findings have
// changed is written whole, and its older findings stay in the record (analytics/finding).
//
// Thread safety: the StoreAccess's thread.
// Errors: kDenied or kNotFound where no key opens the case, kInvalidArgument for an unknown job or
// a norm that cannot be read.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "analytics/jobs/jobs.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

struct AnalysisOptions {
  std::set<std::string> jobs;  // analytics::jobs::names(); empty: all
  std::string protocol;        // file or id; empty: the program's own for the case's procedure
};

struct Analysis {
  CaseId case_id;
  verify::Verdict verdict = verify::Verdict::kUnclosed;  // of the case as it was read
  analytics::jobs::Outcome outcome;
  std::vector<v1::Finding> findings;  // in the order found, run records included
  std::vector<std::string> written;   // jobs whose findings were not in the store yet
  std::vector<std::pair<std::string, Code>> failed;  // of analyze_closed: jobs and kinds of error
};

/// Runs the jobs without writing anything.
Result<Analysis> compute_analysis(StoreAccess& access, CaseId id,
                                  const AnalysisOptions& options = {});

/// Runs the jobs, writes new findings and drains them into the store. Needs `write`.
Result<Analysis> analyze_case(StoreAccess& access, CaseId id, const AnalysisOptions& options = {});
/// The same over several cases, with one log and one drain; `visit` sees each case's result.
Result<void> analyze_cases(StoreAccess& access, const std::vector<CaseId>& ids,
                           const AnalysisOptions& options,
                           const std::function<Result<void>(const Analysis&)>& visit);

/// Runs all jobs of a case that closed and writes new findings to the analysis log, from which the
/// bus brings them. A job that fails on the case's content is written as failed and takes no other
/// along. Errors: those of the machine, and kDenied or kNotFound where no key opens the case.
Result<Analysis> analyze_closed(StoreAccess& access, CaseId id);

/// A finding of the store, the case or study that holds it, and whether its job's newest run still
/// has it.
struct StoredFinding {
  CaseId case_id;
  bool study = false;
  v1::Finding finding;
  std::vector<v1::SourceRange> inputs;  // of a study: what it rests on beside its own sources
  bool in_force = false;
};
/// By id, or the first at least 8 hex digits of it; `case_text` narrows the search.
Result<StoredFinding> find_finding(StoreAccess& access, const std::string& id,
                                   const std::string& case_text = "");

}  // namespace casebox::tools
