#pragma once

// Studies: findings over a cohort, kept in the store like every other finding (docs/adr/065).
//
// What is found over many cases belongs to none of them. A study is a record of its own, with its
// own one-time key, epochs, chain, beats and close, written through the store's analysis log. It
// holds what was asked (sealed: job, cohort expression, options) and what was found, nothing else.
// Asking the same again finds the same study and writes only if the findings changed; the newest
// run is in force (docs/adr/031).
//
// An analysis gives a StudyAnswer: drafts, and the cohort with the frames that were looked at of
// each case. Drafts hold numbers and codes, never content of a case: erasing a case does not reach
// what was computed over it before. The frames are named once, in findings of kind "cohort"; every
// finding of the run rests on all of them, and says so by their digest (AnalysisRun.inputs_sha256).
// A draft may name sources of its own as well.
//
// Thread safety: the StoreAccess's thread.
// Errors: kNotFound without a keystore, kInvalidArgument for an expression that does not parse,
// those of the log and of the store. A study that no key opens counts as another question's: it is
// not added to, and a new one begins.

#include <optional>
#include <string>
#include <vector>

#include "analytics/finding/finding.h"
#include "tools/findings/findings.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

/// How many members of a study's cohort may no longer be read: what was found over them counts
/// them, so it is no longer told; `analyze --write` finds it anew without them.
Result<size_t> refused_members(StoreAccess& access, const std::vector<v1::Finding>& findings);

/// What a study asks. All three together are its identity.
struct StudyQuestion {
  std::string job;      // "timing", "spc", ...
  std::string cohort;   // expression of the query language; empty: every case
  std::string options;  // canonical text: the same options give the same text; empty: the defaults
  bool operator==(const StudyQuestion&) const = default;
};
/// The question with its cohort in the query language's own spelling.
Result<StudyQuestion> canonical(StudyQuestion question);

/// A case of the cohort, as the analysis took it.
struct StudyMember {
  CaseId case_id;
  std::vector<std::string> withheld;  // why its times were not used; empty: they were
  std::vector<v1::SourceRange>
      frames;  // looked at; without digests, which are computed when needed
};

struct StudyAnswer {
  v1::AnalysisRun
      run;  // job_version and, where they apply, protocol, seed, order: the rest is filled in
  std::vector<StudyMember> cohort;
  /// In a fixed order, each with a place of its own; t0 and t1 are 0.
  std::vector<analytics::finding::Draft> drafts;
};

/// Kind of the findings that name a run's cases and frames.
constexpr const char* kCohortKind = "cohort";

/// A study of the store. `question`: none if no key opens it, or its first run was cut off by a
/// crash.
struct Study {
  CaseId study_id;
  v1::CaseRecord record;
  std::optional<StudyQuestion> question;
};
/// By start; opening each is audited.
Result<std::vector<Study>> studies(StoreAccess& access);
Result<std::optional<Study>> find_study(StoreAccess& access, const StudyQuestion& question);
/// The study with this id.
Result<Study> open_study(StoreAccess& access, CaseId id);

/// The findings of an answer as the study `id` holds them: the drafts, the cohort, the run record.
/// Hashes the frames of every case, which needs no key.
Result<std::vector<v1::Finding>> study_findings(StoreAccess& access, CaseId id,
                                                const StudyQuestion& question,
                                                const StudyAnswer& answer);
/// What a finding of a study rests on beside its own sources: the frames of its run's cohort.
std::vector<v1::SourceRange> inputs_of(const v1::Finding& finding, const StoredFindings& stored);

struct WrittenStudy {
  CaseId study_id;
  bool created = false;  // the question was not asked before
  bool written = false;  // false: the same findings were there
  std::vector<v1::Finding> findings;
};
/// Writes the answer into the question's study and drains it into the store. Needs `write`.
Result<WrittenStudy> write_study(StoreAccess& access, const StudyQuestion& question,
                                 const StudyAnswer& answer);

/// What came, left or is otherwise used between two runs' cohorts, in sentences: "cohort: 3 cases
/// came".
std::vector<std::string> cohort_changes(const std::vector<v1::Finding>& before,
                                        const std::vector<v1::Finding>& now);

}  // namespace casebox::tools
