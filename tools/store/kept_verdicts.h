#pragma once

// Verdicts that the store keeps of its cases, so that a list of many need not verify each anew
// (docs/formats/store.md). A kept verdict counts only for the case record that it was made for
// and for what the trust list says of its signers, and only under the keystore's authentication:
// whoever can write the database alone cannot write one. Whoever wants to know now asks anew
// (`--verify`).
//
// Thread safety: as StoreAccess. Errors: those of the store.

#include <optional>
#include <vector>

#include "tools/store/store_access.h"

namespace casebox::tools {

struct KeptVerdict {
  verify::Verdict verdict = verify::Verdict::kUnclosed;
  UtcTime at;  // when it was made
};

/// What a verdict of a case takes from a trust list: what it says of those who signed the case, and
/// whose list it is. Others may come and go. Zero without a list.
Digest trusted(const trust::TrustList* list, const v1::CaseRecord& record);

/// What the store keeps of a case, as it says itself; nullopt: nothing that could be read.
std::optional<KeptVerdict> said_verdict(BytesView kept);

/// The verdict kept for this very row under the trust list `list` (null: none); nullopt if there is
/// none, or no keystore to tell. May be asked by several threads.
Result<std::optional<KeptVerdict>> kept_verdict(StoreAccess& access, const storage::CaseRow& row,
                                                const trust::TrustList* list);

/// Verifies cases by their signatures and chains, and keeps what was found. Needs `write`; does
/// nothing without a keystore.
Result<void> keep_verdicts(StoreAccess& access, const std::vector<CaseId>& cases);

/// The kept verdict, or one made now by signatures and chains; the worse one if a reader found
/// since that bytes of the case do not hold (storage/found.h).
Result<KeptVerdict> verdict_of(StoreAccess& access, const storage::CaseRow& row,
                               const trust::TrustList* list);

/// Of StoreAccess::trust_if_any.
inline const trust::TrustList* address(const std::optional<trust::TrustList>& list) {
  return list ? &*list : nullptr;
}

}  // namespace casebox::tools
