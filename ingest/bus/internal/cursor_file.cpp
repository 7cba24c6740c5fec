#include "ingest/bus/internal/cursor_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

namespace casebox::bus::internal {
namespace {

constexpr std::string_view kMark = "casebox-cursor 1 ";

Error disk_error(const std::filesystem::path& file, const char* what) {
  const int code = errno;
  return {code == ENOSPC ? Code::kNoSpace : Code::kIo,
          file.string() + ": cannot " + what + ": " + std::strerror(code) +
              "; check the disk and the folder's rights"};
}

// Syncs a path and closes it.
bool sync_path(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

}  // namespace

Result<uint64_t> read_cursor(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (!std::filesystem::exists(file)) return uint64_t{0};
    return disk_error(file, "open");
  }
  std::string line;
  std::getline(in, line);
  uint64_t offset = 0;
  if (line.starts_with(kMark)) {
    const char* begin = line.data() + kMark.size();
    const char* end = line.data() + line.size();
    auto [stopped, error] = std::from_chars(begin, end, offset);
    if (error == std::errc{} && stopped == end) return offset;
  }
  return Error{Code::kCorrupt,
               file.string() +
                   ": is not a cursor; delete it to send the whole log again (the store "
                   "drops what it has)"};
}

Result<void> write_cursor(const std::filesystem::path& file, uint64_t offset) {
  std::filesystem::path temporary = file;
  temporary += ".new";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out << kMark << offset << '\n';
    out.close();
    if (!out) return disk_error(temporary, "write");
  }
  if (!sync_path(temporary, O_RDONLY)) return disk_error(temporary, "sync");
  if (::rename(temporary.c_str(), file.c_str()) != 0) return disk_error(file, "replace");
  std::filesystem::path folder = file.parent_path();
  if (folder.empty()) folder = ".";
  if (!sync_path(folder, O_RDONLY | O_DIRECTORY)) return disk_error(folder, "sync");
  return ok();
}

}  // namespace casebox::bus::internal
