#pragma once

// The documents of `cases` and `show`: one case, in short and in full.
//
// Thread safety: free functions; a StoreAccess belongs to one thread.
// Errors: those of the store. What needs a key and has none is left empty, and `sealed` says so.

#include "tools/cli/json.h"
#include "tools/store/kept_verdicts.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

/// case_id procedure room start end duration_s state streams gaps verdict verdict_at (null if not
/// given).
Result<Json> case_header_json(const v1::CaseRecord& record,
                              const std::optional<KeptVerdict>& verdict);

/// The above, as the case's signed frames tell it, plus its problems, case_digest streams[]
/// phases[] events departures gaps[] clocks[] provenance. With `digests`, every channel's source
/// digest is computed, which reads all its samples.
/// `every_byte`: the verdict is that of reading every byte, not of signatures and chains alone.
Result<Json> case_full_json(StoreAccess& access, CaseId id, bool digests, bool every_byte);

/// case_id and streams[{name kind channels[{... first_t_s last_t_s digest}] gaps}]: what an import
/// brought, as the store has it.
Result<Json> imported_case_json(StoreAccess& access, const v1::CaseRecord& record);

}  // namespace casebox::tools
