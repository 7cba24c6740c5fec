#include "proto/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace casebox {

namespace fs = std::filesystem;

Error errno_error(const fs::path& path, const std::string& what, int number) {
  Code code = Code::kIo;
  if (number == ENOENT) code = Code::kNotFound;
  if (number == ENOSPC || number == EDQUOT) code = Code::kNoSpace;
  if (number == EEXIST) code = Code::kAlreadyExists;
  if (number == EACCES || number == EPERM) code = Code::kDenied;
  return {code, path.string() + ": " + what +
                    " failed: " + std::error_code(number, std::generic_category()).message()};
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Fd> Fd::open(const fs::path& path, int flags, int mode) {
  // A pipe without a writer would be waited for; a device that is opened can do anything.
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, mode);
  if (fd < 0 && errno == ENXIO)
    return Error{Code::kInvalidArgument, path.string() + ": is a pipe or a socket and no file"};
  if (fd < 0) return errno_error(path, "open", errno);
  Fd out(fd);
  if ((flags & (O_DIRECTORY | O_NONBLOCK)) != 0) return out;
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno_error(path, "stat", errno);
  if (S_ISDIR(info.st_mode))
    return Error{Code::kInvalidArgument, path.string() + ": is a folder; give a file"};
  if (!S_ISREG(info.st_mode))
    return Error{Code::kInvalidArgument, path.string() + ": is " +
                                             (S_ISFIFO(info.st_mode)   ? "a pipe"
                                              : S_ISSOCK(info.st_mode) ? "a socket"
                                                                       : "a device") +
                                             " and no file; put the file in its place"};
  return out;
}

Result<Bytes> read_file(const fs::path& path, size_t limit) {
  CASEBOX_TRY(Fd fd, Fd::open(path, O_RDONLY));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error(path, "stat", errno);
  Bytes out;
  if (info.st_size > 0) out.reserve(static_cast<size_t>(info.st_size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(path, "read", errno);
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > limit)
      return Error{Code::kInvalidArgument,
                   path.string() + ": is larger than " + std::to_string(limit) + " bytes"};
    out.append(buffer, static_cast<size_t>(n));
  }
}

Result<void> write_all(const Fd& fd, BytesView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(path, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return ok();
}

Result<void> write_file_atomic(const fs::path& path, BytesView bytes, int mode) {
  std::error_code ec;
  if (const auto there = fs::status(path, ec); fs::exists(there) && !fs::is_regular_file(there))
    return Error{Code::kInvalidArgument,
                 path.string() + ": is there and no file; name a file, or a place for one"};
  const fs::path temporary = path.string() + ".new";
  auto write = [&]() -> Result<void> {
    CASEBOX_TRY(Fd fd, Fd::open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    CASEBOX_CHECK(write_all(fd, bytes, temporary));
    if (::fsync(fd.get()) != 0) return errno_error(temporary, "fsync", errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error(path, "rename", errno);
    return ok();
  };
  if (auto written = write(); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_directory(path.parent_path().empty() ? fs::path(".") : path.parent_path());
}

Result<void> sync_directory(const fs::path& dir) {
  CASEBOX_TRY(Fd fd, Fd::open(dir, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return errno_error(dir, "fsync", errno);
  return ok();
}

}  // namespace casebox
