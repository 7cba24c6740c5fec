#pragma once

// The rows of one case in each relation (tools/query/relations.h), cells in the columns' order.
//
// Thread safety: pure functions.

#include <functional>

#include "tools/query/relations.h"

namespace casebox::tools::query {

using Put = std::function<void(Cells&&)>;

void case_rows(const CaseFacts& facts, const Put& put);
void phase_rows(const CaseFacts& facts, const Put& put);
void step_rows(const CaseFacts& facts, const Put& put);
void span_rows(const CaseFacts& facts, const Put& put);
void departure_rows(const CaseFacts& facts, const Put& put);
void event_rows(const CaseFacts& facts, const Put& put);
void alarm_rows(const CaseFacts& facts, const Put& put);
void door_rows(const CaseFacts& facts, const Put& put);
void mark_rows(const CaseFacts& facts, const Put& put);
void checklist_rows(const CaseFacts& facts, const Put& put);
void vital_rows(const CaseFacts& facts, const Put& put);
void forecast_rows(const CaseFacts& facts, const Put& put);
void gap_rows(const CaseFacts& facts, const Put& put);
void clock_rows(const CaseFacts& facts, const Put& put);
void coverage_rows(const CaseFacts& facts, const Put& put);
void consent_rows(const CaseFacts& facts, const Put& put);

}  // namespace casebox::tools::query
