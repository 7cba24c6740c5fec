#include "recorder/sources/internal/byte_input.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace casebox::recorder::internal {

Result<ByteInput> ByteInput::open(const std::string& path) {
  ByteInput input;
  input.file_.reset(std::fopen(path.c_str(), "rb"));
  struct stat info {};
  if (!input.file_ || fstat(fileno(input.file_.get()), &info) != 0)
    return Error{errno == ENOENT ? Code::kNotFound : Code::kIo,
                 path + ": " + std::strerror(errno) + "; check the path"};
  if (!S_ISREG(info.st_mode))
    return Error{Code::kInvalidArgument, path + ": is not a file; check the path"};
  input.size_ = static_cast<uint64_t>(info.st_size);
  return input;
}

ByteInput ByteInput::over(Bytes bytes) {
  ByteInput input;
  input.size_ = bytes.size();
  input.bytes_ = std::move(bytes);
  return input;
}

void ByteInput::read_at(uint64_t at, size_t n, Bytes& out) const {
  out.clear();
  if (at >= size_) return;
  n = static_cast<size_t>(std::min<uint64_t>(n, size_ - at));
  if (!file_) {
    out.assign(bytes_, static_cast<size_t>(at), n);
    return;
  }
  out.resize(n);
  size_t got = 0;
  while (got < n) {
    const ssize_t more =
        pread(fileno(file_.get()), out.data() + got, n - got, static_cast<off_t>(at + got));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) break;
    got += static_cast<size_t>(more);
  }
  out.resize(got);
}

}  // namespace casebox::recorder::internal
