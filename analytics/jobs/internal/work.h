#pragma once

// What the jobs of one case share, and their parts.
//
// Thread safety: the reader's thread.

#include "analytics/finding/finding.h"
#include "analytics/jobs/jobs.h"

namespace casebox::analytics::jobs::internal {

struct Work {
  Work(const storage::CaseReader& r, const Options& o, const Sink& s)
      : reader(r), options(o), sink(s), sources(r) {}

  const storage::CaseReader& reader;
  const Options& options;
  const Sink& sink;
  finding::Sources sources;
  CaseId case_id;
  double time_scale = 1;
  phases::Signals signals;
  std::string no_phases;  // why none were looked for or found
  PhasesOfCase phases;    // trace 0 of outcome.log
  Outcome outcome;

  const Trace& trace() const { return outcome.log.traces.front(); }
};

/// One job's run: hands findings to the sink, counts them, ends with the run record.
class Run {
 public:
  Run(Work& work, const std::string& job, const std::string& version, const std::string& config);
  v1::AnalysisRun& record() { return run_; }
  /// Completes the sources from `frames` and passes the finding on.
  Result<void> emit(finding::Draft draft, std::vector<storage::SourceRef> frames);
  Result<void> finish(std::map<std::string, double> values = {});
  Result<void> skip(const std::string& why);

 private:
  Work& work_;
  v1::AnalysisRun run_;
  Report report_;
};

std::vector<storage::SourceRef> frames_of(const std::vector<v1::SourceRange>& ranges);
std::string clock_text(int64_t t_ns);  // "0:12:31"

Result<ForConformance> gather_for_conformance(const Work& work);

Result<void> quality_job(Work& work);
Result<void> phases_job(Work& work);
Result<void> timing_job(Work& work);
Result<void> conformance_job(Work& work);
Result<void> twin_job(Work& work);

}  // namespace casebox::analytics::jobs::internal
