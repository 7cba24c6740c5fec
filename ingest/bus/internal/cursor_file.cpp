#include "ingest/bus/internal/cursor_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>

namespace casebox::bus::internal {
namespace {

constexpr std::string_view kMark = "casebox-cursor 1 ";

}  // namespace

Result<CursorFile> CursorFile::open(const std::filesystem::path& file) {
  const std::filesystem::path path = file.string() + ".lock";
  CASEBOX_TRY(Fd lock, Fd::open(path, O_RDWR | O_CREAT));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return Error{Code::kUnavailable,
                   file.string() + ": another forwarder copies this log; stop it first"};
    if (errno != EINTR) return errno_error(path, "lock", errno);
  }
  return CursorFile(file, std::move(lock));
}

Result<uint64_t> CursorFile::read() const {
  auto text = read_file(file_, 4096);
  if (!text && text.error().code == Code::kNotFound) return uint64_t{0};
  if (!text) return std::move(text).error();
  const std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
  uint64_t offset = 0;
  if (line.starts_with(kMark)) {
    const char* end = line.data() + line.size();
    auto [stopped, error] = std::from_chars(line.data() + kMark.size(), end, offset);
    if (error == std::errc{} && stopped == end) return offset;
  }
  return Error{Code::kCorrupt,
               file_.string() +
                   ": is not a cursor; delete it to send the whole log again (the store "
                   "drops what it has)"};
}

Result<void> CursorFile::write(uint64_t offset) const {
  return write_file_atomic(file_, std::string(kMark) + std::to_string(offset) + "\n");
}

}  // namespace casebox::bus::internal
