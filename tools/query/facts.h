#pragma once

// The facts of a stored case (analytics/facts), opened for whoever asks: a question about headers
// opens no case.
//
// Thread safety: free functions; a StoreAccess belongs to one thread.
// Errors: those of the store; a case without keys has facts that are `sealed`.

#include "analytics/facts/case_facts.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

using analytics::facts::CaseWeights;
using analytics::facts::Compared;
using analytics::facts::compared;
using analytics::facts::kWeightsKind;
using analytics::facts::NormName;
using analytics::facts::weighed_together;
using analytics::facts::WeighedTogether;

}  // namespace casebox::tools

namespace casebox::tools::query {

using analytics::facts::Bound;
using analytics::facts::CaseFacts;
using analytics::facts::ClockFact;
using analytics::facts::DepartureFact;
using analytics::facts::ForecastFact;
using analytics::facts::GapFact;
using analytics::facts::header_facts;
using analytics::facts::Needs;
using analytics::facts::phase_fact;
using analytics::facts::PhaseFact;
using analytics::facts::read_facts;
using analytics::facts::TwinFact;
using analytics::facts::VitalFact;
using analytics::facts::why_not_compared;

/// What a question needs of a case, opened for `purpose`.
Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, const Needs& needs);
/// With phases and departures, or one of them.
Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, bool phases = true, bool departures = true);

}  // namespace casebox::tools::query
