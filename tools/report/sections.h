#pragma once

// Parts that several documents share, in the same words.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "tools/report/evidence.h"
#include "tools/report/html.h"

namespace casebox::tools::report {

/// "12.3 s" up to a minute, then "4 min 05 s".
std::string length_text(double seconds);
/// "+-0.5 s"; "no bound can be given" below zero.
std::string bound_text(double u95_s);
/// The same of a moment whose bound has two sides: "-0.4 to +6.0 s" where they differ.
std::string bound_text(const std::optional<query::Bound>& bound, double t_s);
/// A number as people write it: six significant digits, no trailing zeros.
std::string number_text(double value);
/// "start_u95_s" with 0.25 -> {"Start u95", "0.25 s"}: the unit stands in the key.
std::pair<std::string, std::string> value_text(const std::string& key, double value);

/// The deviation below "unobserved" and "justified": missing, extra, order, time.
/// "Not marked: time out"
std::string departure_title(const v1::Finding& finding);
/// What the departure's certainty means, in one sentence.
std::string certainty_meaning(v1::Certainty certainty);
/// What would change the conclusion.
std::string what_would_change(const v1::Finding& finding);

/// Departures of one certainty.
std::vector<const v1::Finding*> departures(const CaseView& view, v1::Certainty certainty);
/// Findings of one kind.
std::vector<const v1::Finding*> findings(const CaseView& view, const std::string& kind);

/// The case's phase times beside the comparison class: one table.
Html phase_table(const CaseEvidence& evidence);
/// "Preparation took 5 min 10 s ..."; nullptr statistics or too few cases give no range.
bool outside_usual(const PhaseStatistics* usual, double seconds);

PageVerdict verdict_of(const verify::Report& report);

/// Every finding that was named: tag, full id, run, source frames with hashes, the command.
Html evidence_annex(const std::vector<const v1::Finding*>& named);

/// The active time of every phase that ended, in order of first entry.
std::vector<std::pair<std::string, double>> phase_seconds(const std::vector<PhaseSpan>& spans);

}  // namespace casebox::tools::report
