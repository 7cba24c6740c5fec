#include "proto/keyring/internal/site_key.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>
#include <mutex>
#include <vector>

#include "proto/keyring/internal/folder.h"

namespace casebox::keyring::internal {
namespace {

/// The copy that is there already, or this one.
SharedKey only_copy(std::shared_ptr<seal::LockedSecret> key) {
  static std::mutex mutex;
  static std::vector<std::weak_ptr<const seal::LockedSecret>> known;
  std::lock_guard guard(mutex);
  std::erase_if(known, [](const auto& one) { return one.expired(); });
  for (const auto& one : known)
    if (auto there = one.lock();
        there && seal::equal_in_constant_time((**there).view(), (**key).view()))
      return there;
  known.push_back(key);
  return key;
}

}  // namespace

Result<SharedKey> read_site_key(const std::filesystem::path& path) {
  CASEBOX_TRY(const Fd fd, Fd::open(path, O_RDONLY));
  auto key = std::make_shared<seal::LockedSecret>();
  char beyond[1];
  iovec parts[2] = {{key->data(), 32}, {beyond, 1}};
  const ssize_t n = ::readv(fd.get(), parts, 2);
  if (n < 0) return errno_error(path, "read", errno);
  if (n != 32)
    return Error{Code::kCorrupt,
                 path.string() + ": is not a site key; restore it from the keystore's backup"};
  return only_copy(std::move(key));
}

SharedKey random_site_key() {
  auto key = std::make_shared<seal::LockedSecret>();
  seal::random_bytes(key->data(), 32);
  return only_copy(std::move(key));
}

}  // namespace casebox::keyring::internal
