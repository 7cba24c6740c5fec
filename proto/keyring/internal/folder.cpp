#include "proto/keyring/internal/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <set>

namespace casebox::keyring::internal {

namespace fs = std::filesystem;

namespace {
/// Endings of files that hold a key that is not public.
const std::set<std::string> kSecret{".key", ".seed", ".made"};
}  // namespace

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

std::string loose_modes(const fs::path& dir) {
  constexpr int kSample = 256;
  std::string first, rules, other;  // of what leads to keys; of access.yaml; of the rest
  size_t count = 0;
  const auto look = [&](const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 077) == 0) return;
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
    const std::string said = path.string() + " has mode " + mode;
    const std::string can =
        ": others than its owner can " + std::string(info.st_mode & 022 ? "change" : "read");
    if (path == dir / "access.yaml") {
      rules = said + can + " who may open cases";
    } else if (S_ISDIR(info.st_mode) || kSecret.contains(path.extension().string())) {
      if (count++ == 0) first = said;
    } else if (other.empty()) {
      other = said + can + " it";
    }
  };
  look(dir);
  std::error_code ec;
  for (fs::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec)) {
    look(it->path());
    std::error_code inner;
    if (!it->is_directory(inner)) continue;
    int left = kSample;
    for (fs::directory_iterator in(it->path(), inner); !inner && in != end && left-- > 0;
         in.increment(inner))
      look(in->path());
  }
  const std::string mend = "; run `chmod -R go-rwx " + dir.string() + "`";
  if (count == 0 && rules.empty()) return other.empty() ? "" : other + mend;
  if (count == 0) return rules + mend;
  return (rules.empty() ? "" : rules + "; ") + first +
         (count > 1 ? " and " + std::to_string(count - 1) + " more are like it" : "") +
         ": others than its owner can get at the keys" + mend +
         " and consider whether they are still secret";
}

Result<void> read_secret(const fs::path& path, seal::Secret* secret) {
  CASEBOX_TRY(const Fd fd, Fd::open(path, O_RDONLY));
  std::array<uint8_t, 33> bytes{};
  const ssize_t n = ::read(fd.get(), bytes.data(), bytes.size());
  if (n < 0) return errno_error(path, "read", errno);
  const bool whole = n == 32;
  if (whole) *secret = *seal::Secret::from_bytes({reinterpret_cast<const char*>(bytes.data()), 32});
  seal::wipe(bytes.data(), bytes.size());
  if (!whole)
    return Error{Code::kCorrupt,
                 path.string() + ": is not a key of 32 bytes; restore it from its backup"};
  return ok();
}

}  // namespace casebox::keyring::internal
