#pragma once

// A consistent copy of a store, made beside its writer: every shard as it was at one commit, its
// media up to the lengths committed then, its ledger up to that commit, and the logs below the
// store up to where they were at least read. The keystore is never part of it. The copy is a store
// itself, and names every file with its SHA-256 in `backup.list`, which is written last.
//
// Thread safety: free functions.
// Errors: kAlreadyExists when the target is there and not empty; kCorrupt when what is copied is
// damaged or, restoring, not what was backed up; kNoSpace; kUnavailable when the writer changed its
// files faster than they could be listed.

#include <cstdint>
#include <filesystem>
#include <functional>

#include "proto/base/result.h"

namespace casebox::storage {

struct Copied {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t cases = 0;    // studies included
  uint64_t commits = 0;  // over all shards
};

/// Called as bytes are copied, with all so far.
using CopyProgress = std::function<void(uint64_t bytes)>;

Result<Copied> backup_store(const std::filesystem::path& store, const std::filesystem::path& out,
                            const CopyProgress& progress);

/// Copies a backup to `store`, each file checked on the way. It resumes from the offsets it holds.
Result<Copied> restore_store(const std::filesystem::path& backup,
                             const std::filesystem::path& store, const CopyProgress& progress);

}  // namespace casebox::storage
