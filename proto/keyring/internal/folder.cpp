#include "proto/keyring/internal/folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

namespace casebox::keyring::internal {

namespace fs = std::filesystem;

Result<void> make_private_dir(const fs::path& dir) {
  std::error_code ec;
  fs::create_directories(dir, ec);
  if (ec) return Error{Code::kIo, dir.string() + ": cannot make the folder: " + ec.message()};
  fs::permissions(dir, fs::perms::owner_all, ec);
  if (ec) return Error{Code::kIo, dir.string() + ": cannot restrict the folder: " + ec.message()};
  return ok();
}

Result<std::vector<std::string>> names_in(const fs::path& dir, const std::string& ending) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().extension() == ending) names.push_back(it->path().stem().string());
  if (ec) return Error{Code::kIo, dir.string() + ": cannot list: " + ec.message()};
  std::ranges::sort(names);
  return names;
}

Result<Fd> lock_folder(const fs::path& dir) {
  CASEBOX_TRY(Fd fd, Fd::open(dir / "lock", O_RDWR | O_CREAT, kPrivate));
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_error(dir / "lock", "lock", errno);
  return fd;
}

}  // namespace casebox::keyring::internal
