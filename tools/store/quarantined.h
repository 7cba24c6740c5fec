#pragma once

// How much is in quarantine, over all shards of a store: what documents and people are told of it.
//
// Thread safety: free functions. Errors: those of the store.

#include <optional>
#include <string>
#include <vector>

#include "tools/store/store_access.h"

namespace casebox::tools {

/// Per source and reason, of a whole store or of what names a case; of a case what was not kept is
/// in no count.
Result<std::vector<storage::QuarantineCount>> quarantine_counts(const storage::Store& store,
                                                                std::optional<CaseId> id = {});
/// Rows that name a case.
Result<uint64_t> quarantined_of(const storage::Store& store, CaseId id);

/// `text` as --reason takes it. kInvalidArgument lists the reasons there are.
Result<std::string> quarantine_reason(const std::string& text);

/// The case that rows of the quarantine name: any full id, since there may be no such case, or what
/// StoreAccess::resolve_case takes.
Result<CaseId> resolve_quarantined(StoreAccess& access, const std::string& text);

}  // namespace casebox::tools
