#pragma once

// The file that a writer appends to: preallocated ahead, cut to its frames when a write fails and
// when it closes.
//
// Thread safety: one thread.
// Errors: kNoSpace on a full disk; after any failed call the file holds what it held before.

#include <cstdint>
#include <filesystem>

#include "proto/base/bytes.h"
#include "proto/base/file.h"
#include "proto/base/result.h"

namespace casebox::log::internal {

class OpenFile {
 public:
  OpenFile() = default;

  /// Makes `<path>.new` with `front` in it, synced; `publish` then gives it its name. So a file of
  /// a log always has a whole front.
  static Result<OpenFile> create(const std::filesystem::path& path, BytesView front, uint32_t limit,
                                 bool sync);
  Result<void> publish();
  /// Removes a file that was not published.
  void discard();

  explicit operator bool() const { return static_cast<bool>(fd_); }
  uint32_t end() const { return end_; }

  Result<void> append(BytesView bytes);
  /// fdatasync. After a failure the kernel may have marked unwritten pages as written, so the bytes
  /// from `from` on are read back, checked to be whole frames, and written anew before the next
  /// attempt counts.
  Result<void> sync(uint32_t from);
  /// Cuts the preallocated space off, syncs; more can still be appended.
  Result<void> cut(bool sync);
  void close() { fd_.reset(); }

 private:
  void preallocate(uint64_t upto);
  void restore();
  Result<void> write_at(uint64_t offset, BytesView bytes);
  Result<void> rewrite(uint32_t from);

  Fd fd_;
  std::filesystem::path path_;
  uint32_t end_ = 0;
  uint64_t allocated_ = 0;
  uint64_t limit_ = 0;
  uint64_t step_ =
      16 << 20;  // preallocated at once: a short log does not hold 128 MiB of a small disk
  bool doubtful_ = false;
};

}  // namespace casebox::log::internal
