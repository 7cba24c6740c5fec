#pragma once

// Files as evidence needs them: whole reads with a limit, atomic replacement, folders synced.
//
// Thread safety: free functions; an Fd belongs to one thread.
// Errors: a missing file is kNotFound, a full disk kNoSpace, anything else kIo; messages name the
// path.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox {

/// What `errno` says about `path`: "<path>: <what> failed: <reason>".
Error errno_error(const std::filesystem::path& path, const std::string& what, int number);

/// An open file descriptor, closed when it goes.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

  /// open(2) of a regular file, O_CLOEXEC, never waiting; O_NONBLOCK or O_DIRECTORY: of any.
  static Result<Fd> open(const std::filesystem::path& path, int flags, int mode = 0644);

 private:
  int fd_ = -1;
};

/// A whole file; kInvalidArgument above `limit` bytes.
Result<Bytes> read_file(const std::filesystem::path& path, size_t limit = 256u << 20);

/// All of `bytes` at the descriptor's position, retried over short writes.
Result<void> write_all(const Fd& fd, BytesView bytes, const std::filesystem::path& path);

/// Replaces `path` as a whole: temporary file, fsync, rename, folder fsync. After a crash either
/// the old or the new content is there.
Result<void> write_file_atomic(const std::filesystem::path& path, BytesView bytes, int mode = 0644);

/// fsync of a folder, so that creations and renames in it last.
Result<void> sync_directory(const std::filesystem::path& dir);

}  // namespace casebox
