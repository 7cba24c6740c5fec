#pragma once

// A file read through a moving buffer: frames at a place, and the search for the next one behind
// damage.
//
// Thread safety: one thread.
// Errors: I/O only; bytes that are no frame are a result.
// Lifetime: a View borrows the buffer until the next call.

#include <filesystem>
#include <optional>
#include <string>

#include "proto/base/bytes.h"
#include "proto/base/file.h"
#include "proto/base/result.h"
#include "proto/frame/frame.h"

namespace casebox::log::internal {

class Window {
 public:
  /// `fd` outlives the window.
  Window(const Fd& fd, std::filesystem::path file) : fd_(&fd), file_(std::move(file)) {}

  struct Found {
    std::optional<frame::View> view;
    bool zero = false;  // nothing was ever written here, or the file ends here
    std::string what;   // why it is no frame
  };
  /// The frame that begins at `at` and ends at or before `limit`.
  Result<Found> frame_at(uint64_t at, uint64_t limit);

  /// The next place from `from` on where a whole frame begins.
  Result<std::optional<uint64_t>> search(uint64_t from, uint64_t limit);

  /// Forgets what was read: a writer may have changed it since.
  void forget() { bytes_.clear(); }

 private:
  // At least `size` bytes from `at`, fewer only at `limit` or the file's end.
  Result<BytesView> fetch(uint64_t at, size_t size, uint64_t limit);

  const Fd* fd_;
  std::filesystem::path file_;
  Bytes bytes_;
  uint64_t begin_ = 0;  // place of bytes_[0]
};

}  // namespace casebox::log::internal
