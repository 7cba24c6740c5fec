#pragma once

// A forwarder's cursor on disk: one line `casebox-cursor 1 <offset>`. It is replaced, not
// rewritten, so that a crash leaves the old one or the new one.
//
// Thread safety: free functions; one process writes a file.
// Errors: kCorrupt for a file that is not a cursor, kIo and kNoSpace from the disk.

#include <cstdint>
#include <filesystem>

#include "proto/base/result.h"

namespace casebox::bus::internal {

/// 0 when there is no file.
Result<uint64_t> read_cursor(const std::filesystem::path& file);
/// Durable when it returns.
Result<void> write_cursor(const std::filesystem::path& file, uint64_t offset);

}  // namespace casebox::bus::internal
