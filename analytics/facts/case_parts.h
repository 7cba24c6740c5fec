#pragma once

// The parts of CaseFacts besides phases and departures: clocks, consent, twin, gaps, vitals.
//
// Thread safety: free functions; the reader's thread. Errors: the reader's.

#include <optional>
#include <vector>

#include "analytics/facts/case_facts.h"
#include "analytics/finding/finding.h"

namespace casebox::analytics::facts {

Result<std::vector<ClockFact>> read_clocks(const storage::CaseReader& reader);
Result<std::vector<GapFact>> read_gaps(const storage::CaseReader& reader);
/// Sets `consent` and `consent_stated`.
void read_consent(const storage::CaseReader& reader, CaseFacts& facts);
/// From the findings of the twin's job that are in force.
TwinFact read_twin(const std::vector<analytics::finding::Stored>& current);
/// After the phases and the coverage.
Result<void> read_vitals(const storage::CaseReader& reader, const Needs& needs, CaseFacts& facts);

}  // namespace casebox::analytics::facts
