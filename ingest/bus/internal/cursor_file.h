#pragma once

// A forwarder's cursor on disk: one line `casebox-cursor 1 <offset>`. It is replaced, not
// rewritten, so that a crash leaves the old one or the new one, and locked, so that a log has one
// forwarder.
//
// Thread safety: one thread.
// Errors: kCorrupt for a file that is not a cursor, kUnavailable when another process holds it, kIo
// and kNoSpace from the disk.

#include <cstdint>
#include <filesystem>

#include "proto/base/file.h"
#include "proto/base/result.h"

namespace casebox::bus::internal {

class CursorFile {
 public:
  /// Takes the lock (`<file>.lock`), which goes with the process however it ends.
  static Result<CursorFile> open(const std::filesystem::path& file);

  /// 0 when there is no file.
  Result<uint64_t> read() const;
  /// Durable when it returns.
  Result<void> write(uint64_t offset) const;

 private:
  CursorFile(std::filesystem::path file, Fd lock)
      : file_(std::move(file)), lock_(std::move(lock)) {}

  std::filesystem::path file_;
  Fd lock_;
};

}  // namespace casebox::bus::internal
