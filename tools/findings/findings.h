#pragma once

// Findings between those who make them and the store: reading what a case or a study holds, telling
// whether anything changed, writing them as frames of an epoch. Analyses of cases
// (tools/findings/analysis.h) and of cohorts (tools/findings/study.h) share it.
//
// Thread safety: free functions; the reader's and the producer's thread.
// Errors: kDenied or kNotFound where no key opens the case; those of the log.

#include <string>
#include <vector>

#include "analytics/finding/finding.h"
#include "analytics/jobs/jobs.h"
#include "proto/producer/producer.h"
#include "storage/reader/case_reader.h"

namespace casebox::tools {

/// Which program this is: its version and the digest of its own file.
Result<analytics::jobs::Program> this_program();

/// What is stored of a case's or a study's findings.
struct StoredFindings {
  std::vector<v1::Finding> in_force;  // of each job its newest run, in the order written
  std::vector<v1::Finding>
      replaced;  // by a later run; of a study also of a run that a crash cut off
};
Result<StoredFindings> read_findings(const storage::CaseReader& reader);

/// Whether two sets are the same but for the program that found them.
bool same_findings(const std::vector<v1::Finding>& a, const std::vector<v1::Finding>& b);

/// A stream of events that analysis writes, as a producer registers it.
v1::Stream analysis_stream(const std::string& name, v1::StreamKind kind);

/// Registers the stream of findings in the producer's epoch and appends them, as few frames as fit.
Result<void> append_findings(producer::Producer& producer, Clock& clock,
                             const std::vector<v1::Finding>& findings);

}  // namespace casebox::tools
