#pragma once

// Parts of the liability file about the record itself: what a reader has to know first, custody,
// what was recorded and what was not, and the annexes with every line of it.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "tools/report/evidence.h"
#include "tools/report/html.h"

namespace casebox::tools::report {

Html sentence_list(const std::vector<std::string>& sentences);
/// Whether the case was compared with a protocol, and what that gave; else why not.
std::string compared_text(const CaseEvidence& e);
Html summary(const CaseEvidence& e);
Html custody(const CaseEvidence& e);
Html custody_annex(const CaseEvidence& e);
Html accounting(const CaseEvidence& e);
Html accounting_annex(const CaseEvidence& e);

}  // namespace casebox::tools::report
