#include "proto/log/internal/open_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proto/log/internal/layout.h"

namespace casebox::log::internal {
namespace {

// Below this, preallocation is not tried any more.
constexpr uint64_t kSmallestStep = 256 << 10;

std::filesystem::path temporary(const std::filesystem::path& path) {
  return path.string() + ".new";
}

}  // namespace

Result<OpenFile> OpenFile::create(const std::filesystem::path& path, BytesView front,
                                  uint32_t limit, bool sync) {
  OpenFile out;
  CASEBOX_TRY(out.fd_, Fd::open(temporary(path), O_RDWR | O_CREAT | O_TRUNC));
  out.path_ = path;
  out.limit_ = limit;
  auto fill = [&]() -> Result<void> {
    out.preallocate(front.size());
    CASEBOX_CHECK(out.write_at(0, front));
    out.end_ = static_cast<uint32_t>(front.size());
    if (sync && ::fsync(out.fd_.get()) != 0) return errno_error(temporary(path), "fsync", errno);
    return ok();
  };
  if (auto filled = fill(); !filled) {
    out.discard();
    return std::move(filled).error();
  }
  return out;
}

Result<void> OpenFile::publish() {
  if (::rename(temporary(path_).c_str(), path_.c_str()) != 0)
    return errno_error(path_, "rename", errno);
  return ok();
}

void OpenFile::discard() {
  fd_.reset();
  ::unlink(temporary(path_).c_str());
}

// A disk without room for a step, or a file system that cannot: the write itself then tells.
void OpenFile::preallocate(uint64_t upto) {
  if (upto <= allocated_ || allocated_ >= limit_ || step_ == 0) return;
  const uint64_t want = std::max(upto, std::min(limit_, allocated_ + step_));
  if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(want)) == 0) {
    allocated_ = want;
    return;
  }
  step_ = step_ / 8 >= kSmallestStep ? step_ / 8 : 0;
  // It may have taken a part; what cannot be given back is zeros, which readers take for "nothing
  // yet".
  restore();
}

void OpenFile::restore() {
  if (::ftruncate(fd_.get(), end_) == 0) allocated_ = end_;
}

Result<void> OpenFile::write_at(uint64_t offset, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    // A limit on the file's size is a full disk to whoever set it.
    if (n < 0) return errno_error(path_, "write", errno == EFBIG ? ENOSPC : errno);
    if (n == 0) return errno_error(path_, "write", ENOSPC);
    offset += static_cast<uint64_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return ok();
}

Result<void> OpenFile::append(BytesView bytes) {
  if (bytes.size() > UINT32_MAX - end_)
    return Error{Code::kInvalidArgument, path_.string() + ": a log file ends before 4 GiB"};
  preallocate(uint64_t{end_} + bytes.size());
  if (auto written = write_at(end_, bytes); !written) {
    restore();
    return written;
  }
  end_ += static_cast<uint32_t>(bytes.size());
  return ok();
}

Result<void> OpenFile::rewrite(uint32_t from) {
  CASEBOX_TRY(const Tail tail, find_tail(fd_, from, false, path_));
  if (tail.end < end_)
    return Error{Code::kIo,
                 path_.string() + ":" + std::to_string(tail.end) +
                     ": frames were lost by a failed sync; check the disk, then recover"};
  for (uint64_t at = from; at < end_;) {
    CASEBOX_TRY(const Bytes bytes,
                read_at(fd_, at, std::min<size_t>(size_t{1} << 20, end_ - at), path_));
    CASEBOX_CHECK(write_at(at, bytes));
    at += bytes.size();
  }
  return ok();
}

Result<void> OpenFile::sync(uint32_t from) {
  if (doubtful_) CASEBOX_CHECK(rewrite(from));
  if (::fdatasync(fd_.get()) != 0) {
    doubtful_ = true;
    return errno_error(path_, "fdatasync", errno);
  }
  doubtful_ = false;
  return ok();
}

Result<void> OpenFile::cut(bool sync) {
  if (allocated_ > end_ && ::ftruncate(fd_.get(), end_) != 0)
    return errno_error(path_, "truncate", errno);
  allocated_ = end_;
  if (sync && ::fsync(fd_.get()) != 0) return errno_error(path_, "fsync", errno);
  return ok();
}

}  // namespace casebox::log::internal
