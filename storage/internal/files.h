#pragma once

// Files of a store: folders that only their owner enters, ranges of files copied.
//
// Thread safety: free functions.
// Errors: kNoSpace on a full disk, kCorrupt for a file shorter than the range asked for, else kIo.

#include <cstdint>
#include <filesystem>
#include <string>

#include "proto/base/result.h"

namespace casebox::storage {

/// Makes what is missing of `dir`, each folder 0700.
Result<void> make_folders(const std::filesystem::path& dir);

/// Writes bytes [from, from + size) of `source` to the new file `to` (0600).
Result<void> copy_range(const std::filesystem::path& source, uint64_t from, uint64_t size,
                        const std::filesystem::path& to, bool sync);

/// The same from a descriptor that is open already; `name` is for messages.
Result<void> copy_range(int source, const std::filesystem::path& name, uint64_t from, uint64_t size,
                        const std::filesystem::path& to, bool sync);

/// "1 byte", "2 bytes".
std::string count(uint64_t n, const std::string& noun);

/// `folder / name`, or with "-1", "-2", ... behind it if that is there already.
std::filesystem::path free_name(const std::filesystem::path& folder, const std::string& name);

}  // namespace casebox::storage
