#pragma once

// The jobs that turn a recorded case into findings: quality, phases, timing, conformance, twin
// (step 9 of a record's path). They read what the recorder recorded and, where a job builds on
// another (timing and conformance on found phases and on the quality gate), that job's results of
// the same call, which are findings of the call as well: never the derived records of an earlier
// run.
//
// The findings go to the caller's sink in a fixed order: the same case, program, norm and options
// give the same bytes. Every job ends with a finding of kind "run", so that a job that found
// nothing is told from one that never ran.
//
// Thread safety: the reader's thread. Errors: those of the reader and of the sink. A job that does
// not apply to a case (no signals, no norm, no forecasts) is skipped, with the reason in its
// report.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analytics/case_log/case_log.h"
#include "analytics/conformance/recorded_text.h"
#include "analytics/phases/decode.h"
#include "analytics/quality/gate.h"
#include "analytics/timing/phase_timing.h"
#include "analytics/twin/forecast_check.h"

namespace casebox::analytics::jobs {

/// Names of all jobs, in the order in which they run.
const std::vector<std::string>& names();

struct Program {
  std::string binary;  // version
  Bytes binary_sha256;
};

struct Options {
  std::set<std::string> only;            // empty: all
  const protocol::Norm* norm = nullptr;  // none: conformance is skipped
  Digest norm_sha256{};                  // of the norm's file
  Program program;
};

struct Report {
  std::string job;
  std::string skipped;    // why; empty: it ran
  uint32_t findings = 0;  // without its run record
};

/// What the jobs know of a case, for whoever wants more than findings.
struct Outcome {
  std::vector<Report> reports;
  quality::Verdict quality;
  std::optional<phases::Decoded> phases;
  EventLog log;              // one trace: the phases that timing used
  std::string phase_source;  // "annotated", "found", "marked", ""
  std::vector<timing::PhaseTime> timing;
  std::optional<conformance::CaseResult> conformance;
  std::optional<twin::Check> twin;
};

/// The phases of a case as its jobs use them, with the gate's verdict.
struct PhasesOfCase {
  case_log::CaseLog info;
  quality::Verdict quality;
  std::optional<phases::Decoded> found;  // used or not
};

using Sink = std::function<Result<void>(const v1::Finding&)>;

/// The jobs, and those that they build on.
std::set<std::string> with_needed(std::set<std::string> jobs);

/// Runs the jobs asked for and those that they build on, so that what is stored of a case never
/// rests on phases that are not.
Result<Outcome> run_jobs(const storage::CaseReader& reader, const Options& options,
                         const Sink& sink);

/// What conformance compares of a case, before its labels are taken for a norm's; of a case that
/// nobody analysed what people said of it.
struct ForConformance {
  EventLog log;  // one trace: phases as timing has them, annotated steps, what people marked
  case_log::CaseLog info;
  conformance::Recorded recorded;
  bool placed = true;  // false: it may not be said when found phases begin and end
};
Result<ForConformance> for_conformance(const storage::CaseReader& reader);

/// How much faster than life a simulated case says it ran: 1 for every other.
double declared_time_scale(const storage::CaseReader& reader);

}  // namespace casebox::analytics::jobs
