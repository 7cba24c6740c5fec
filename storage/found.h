#pragma once

// What readers found of a case that its frames do not hold, kept beside the database: a reader has
// no right to write there (docs/formats/store.md). It makes a list say so too, until somebody read
// every byte of the case and found it whole. It is a hint and not evidence: whoever can write to
// the folder can make or remove it, and `--verify` asks the frames.
//
//   <store>/found/<case id>    "DAMAGED" or "TAMPERED"
//
// Thread safety: free functions; files change whole.
// Errors: none are given: a store on a medium that cannot be written keeps nothing.

#include <filesystem>
#include <optional>
#include <set>

#include "proto/base/ids.h"
#include "proto/verify/verify.h"

namespace casebox::storage {

/// Keeps what was found; a verdict that says nothing of the stored bytes (not DAMAGED, not
/// TAMPERED) is passed over. False: it could not be written.
bool keep_found(const std::filesystem::path& store, CaseId id, verify::Verdict verdict);
/// Every byte was read and holds.
void forget_found(const std::filesystem::path& store, CaseId id);
/// The cases of which something was found, for who asks about many.
std::set<CaseId> all_found(const std::filesystem::path& store);
std::optional<verify::Verdict> found(const std::filesystem::path& store, CaseId id);
/// Puts what was found among the problems of a report that does not know of it.
void blame_found(const std::filesystem::path& store, CaseId id, verify::Report& report);
/// The worse of `verdict` and what was found.
verify::Verdict with_found(const std::filesystem::path& store, CaseId id, verify::Verdict verdict);

}  // namespace casebox::storage
