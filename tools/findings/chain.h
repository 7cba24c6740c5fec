#pragma once

// From a finding down to the bytes it rests on: the chain that `casebox why` prints.
//
// Thread safety: the StoreAccess's thread. Errors: those of the store; a source whose frames are
// not what they were is no error but `unchanged: false`.

#include "storage/reader/case_reader.h"
#include "tools/cli/json.h"
#include "tools/findings/analysis.h"

namespace casebox::tools {

/// The run: job, program, settings, norm, seed, order (docs/formats/json.md, why).
Json run_json(const v1::AnalysisRun& run);

/// study, finding, run, entities with whether each is unchanged, and the seconds of video beside
/// it.
Result<Json> chain_json(StoreAccess& access, const StoredFinding& stored);

/// Every entity of the chain is unchanged.
bool all_unchanged(const Json& chain);

}  // namespace casebox::tools
