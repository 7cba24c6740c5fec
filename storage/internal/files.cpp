#include "storage/internal/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proto/base/file.h"

namespace casebox::storage {
namespace {

constexpr size_t kFilePiece = size_t{1} << 20;

}  // namespace

Result<void> make_folders(const std::filesystem::path& dir) {
  std::error_code ec;
  if (dir.empty() || std::filesystem::is_directory(dir, ec)) return ok();
  CASEBOX_CHECK(make_folders(dir.parent_path()));
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error(dir, "making the folder", errno);
  if (!std::filesystem::is_directory(dir, ec))
    return Error{Code::kIo, dir.string() + ": cannot create the folder: a file is in its place"};
  return ok();
}

Result<void> copy_range(int source, const std::filesystem::path& name, uint64_t from, uint64_t size,
                        const std::filesystem::path& to, bool sync) {
  CASEBOX_TRY(const Fd out, Fd::open(to, O_WRONLY | O_CREAT | O_EXCL, 0600));
  Bytes piece(std::min<uint64_t>(kFilePiece, size), '\0');
  for (uint64_t done = 0; done < size;) {
    const auto n = ::pread(source, piece.data(), std::min<uint64_t>(piece.size(), size - done),
                           static_cast<off_t>(from + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(name, "reading", errno);
    if (n == 0)
      return Error{Code::kCorrupt, name.string() + ": ends before byte " +
                                       std::to_string(from + size) + "; restore it from a backup"};
    CASEBOX_CHECK(write_all(out, BytesView(piece).substr(0, static_cast<size_t>(n)), to));
    done += static_cast<uint64_t>(n);
  }
  if (sync && ::fdatasync(out.get()) != 0) return errno_error(to, "syncing", errno);
  return ok();
}

Result<void> copy_range(const std::filesystem::path& source, uint64_t from, uint64_t size,
                        const std::filesystem::path& to, bool sync) {
  CASEBOX_TRY(const Fd in, Fd::open(source, O_RDONLY));
  return copy_range(in.get(), source, from, size, to, sync);
}

std::string count(uint64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::filesystem::path free_name(const std::filesystem::path& folder, const std::string& name) {
  std::error_code ec;
  auto to = folder / name;
  for (int n = 1; std::filesystem::exists(to, ec); ++n)
    to = folder / (name + "-" + std::to_string(n));
  return to;
}

}  // namespace casebox::storage
