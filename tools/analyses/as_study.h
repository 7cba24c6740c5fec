#pragma once

// An analysis of many cases as a study of the store: what `analyze NAME --write` keeps, and how
// `recompute` asks the same again. An analysis needs to do nothing for it but give findings.
//
// Thread safety: the StoreAccess's thread.
// Errors: those of the analysis, the cohort and the store; kNotFound for a question whose analysis
// this program does not have.

#include "tools/analyses/analyses.h"
#include "tools/findings/study.h"

namespace casebox::tools {

/// The options that decide what an analysis finds, as text: the same options give the same text, in
/// whatever order they were written. Empty: the defaults.
std::string canonical_options(const CohortAnalysis& analysis, const Args& args);

/// What `analyze` with these arguments asks. kInvalidArgument with --case or --log: a study is
/// about a cohort of the store.
Result<StudyQuestion> study_question(const CohortAnalysis& analysis, const Args& args);

/// The result over the cohort as a study keeps it: rests on every frame that the cohort's events
/// and the result name.
StudyAnswer study_answer(const Cohort& cohort, const CohortResult& result);

/// Runs the question's analysis again over the cases that its expression names now.
Result<StudyAnswer> ask_again(StoreAccess& access, const StudyQuestion& question);

}  // namespace casebox::tools
