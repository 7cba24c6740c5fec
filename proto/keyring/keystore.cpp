#include "proto/keyring/keystore.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "proto/base/file.h"

namespace casebox::keyring {

namespace fs = std::filesystem;

namespace {

constexpr int kPrivate = 0600;
constexpr uint32_t kMaxAuditRecord = 1 << 20;

Result<void> make_private_dir(const fs::path& dir) {
  std::error_code ec;
  fs::create_directories(dir, ec);
  if (ec) return Error{Code::kIo, dir.string() + ": cannot make the folder: " + ec.message()};
  fs::permissions(dir, fs::perms::owner_all, ec);
  if (ec) return Error{Code::kIo, dir.string() + ": cannot restrict the folder: " + ec.message()};
  return ok();
}

/// Names of `<64 hex>.<suffix>` files, sorted: which key is taken first must not depend on the file
/// system.
Result<std::vector<std::string>> key_names(const fs::path& dir, const std::string& suffix) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec)) {
    const fs::path& path = it->path();
    if (path.extension() == suffix && path.stem().string().size() == 64)
      names.push_back(path.stem().string());
  }
  if (ec) return Error{Code::kIo, dir.string() + ": cannot list: " + ec.message()};
  std::ranges::sort(names);
  return names;
}

/// One writer at a time over the folder, across processes; released when it goes.
Result<Fd> lock_folder(const fs::path& dir) {
  CASEBOX_TRY(Fd fd, Fd::open(dir / "lock", O_RDWR | O_CREAT, kPrivate));
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_error(dir / "lock", "lock", errno);
  return fd;
}

/// Where the audit trail stands: its whole records' end and the hash that the next record names.
struct TrailEnd {
  size_t at = 0;
  Digest head{};
};

/// Checks records from `end` on and moves it past them; `bytes` begin at `end->at` of the file.
Result<void> follow_trail(BytesView bytes, const fs::path& path, TrailEnd* end,
                          std::vector<v1::AuditRecord>* records) {
  while (bytes.size() >= 4) {
    const std::string where = path.string() + ":" + std::to_string(end->at);
    const auto size = load_le<uint32_t>(bytes.data());
    if (size > kMaxAuditRecord)
      return Error{Code::kCorrupt,
                   where + ": audit record is damaged; restore the keystore from its backup"};
    if (bytes.size() - 4 < size) break;  // torn by a crash: nothing was handed out for it
    const BytesView one = bytes.substr(4, size);
    v1::AuditRecord record;
    if (!record.ParseFromArray(one.data(), static_cast<int>(one.size())) ||
        record.previous() != view(end->head))
      return Error{Code::kCorrupt,
                   where + ": the audit trail's hash chain does not hold; it was changed"};
    end->head = seal::sha256(one);
    end->at += 4 + size;
    if (records != nullptr) records->push_back(std::move(record));
    bytes.remove_prefix(4 + size);
  }
  return ok();
}

}  // namespace

struct Keystore::Impl {
  fs::path dir;
  Clock* clock = nullptr;
  seal::Secret site_key;
  std::mutex mutex;  // around the files of this folder
  TrailEnd trail;

  Result<void> add_pair() {
    const auto pair = seal::BoxKeyPair::generate();
    const std::string name = to_hex(Digest(pair.public_key));
    CASEBOX_TRY(Bytes wrapped, seal::wrap_key(site_key, pair.private_key));
    // Private half first: a public key in stock always has one.
    CASEBOX_CHECK(write_file_atomic(dir / "cases" / (name + ".key"), wrapped, kPrivate));
    return write_file_atomic(dir / "stock" / (name + ".pub"), name + "\n", kPrivate);
  }
};

Keystore::Keystore() : impl_(std::make_unique<Impl>()) {}
Keystore::~Keystore() = default;

const fs::path& Keystore::dir() const { return impl_->dir; }

Result<std::unique_ptr<Keystore>> Keystore::open(const fs::path& dir, Clock& clock, bool create,
                                                 size_t stock) {
  std::unique_ptr<Keystore> store(new Keystore);
  store->impl_->dir = dir;
  store->impl_->clock = &clock;
  auto site = read_file(dir / "site.key", 64);
  if (!site && site.error().code == Code::kNotFound && create) {
    CASEBOX_CHECK(make_private_dir(dir));
    for (const char* sub : {"cases", "stock", "signing"})
      CASEBOX_CHECK(make_private_dir(dir / sub));
    store->impl_->site_key = seal::Secret::random();
    for (size_t i = 0; i < stock; ++i) CASEBOX_CHECK(store->impl_->add_pair());
    // Last: a folder with a site key is a whole keystore.
    CASEBOX_CHECK(write_file_atomic(dir / "site.key", store->impl_->site_key.view(), kPrivate));
    return store;
  }
  if (!site && site.error().code == Code::kNotFound)
    return Error{
        Code::kNotFound,
        dir.string() +
            ": no keystore here (site.key is missing); make one with `casebox keys stock`"};
  if (!site) return std::move(site).error();
  auto key = seal::Secret::from_bytes(*site);
  if (!key) return annotate(std::move(key).error(), (dir / "site.key").string());
  store->impl_->site_key = std::move(*key);
  return store;
}

Result<CaseKey> Keystore::take_case_key() {
  std::lock_guard guard(impl_->mutex);
  const fs::path stock = impl_->dir / "stock";
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  CASEBOX_TRY(auto names, key_names(stock, ".pub"));
  CaseKey taken;
  std::string name;
  if (!names.empty()) {
    name = names.front();
    taken.left = names.size() - 1;
    CASEBOX_CHECK(write_file_atomic(impl_->dir / "last.pub", name + "\n", kPrivate));
    if (::unlink((stock / (name + ".pub")).c_str()) != 0)
      return errno_error(stock / (name + ".pub"), "unlink", errno);
    CASEBOX_CHECK(sync_directory(stock));
  } else {
    auto last = read_file(impl_->dir / "last.pub", 256);
    if (!last)
      return Error{
          Code::kNotFound,
          impl_->dir.string() +
              ": no case key in stock and none was ever taken; add some with `casebox keys stock`"};
    name = last->substr(0, 64);
    taken.reused = true;
  }
  CASEBOX_TRY(Bytes raw, from_hex(name));
  CASEBOX_TRY(taken.public_key, to_digest(raw));
  return taken;
}

Result<void> Keystore::add_stock(size_t count) {
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  for (size_t i = 0; i < count; ++i) CASEBOX_CHECK(impl_->add_pair());
  return ok();
}

Result<seal::SigningKey> Keystore::signing_key(const std::string& role) {
  const bool plain =
      !role.empty() && role.size() <= 64 &&
      role.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!plain)
    return Error{Code::kInvalidArgument, "signing key '" + role + "': names are a-z, 0-9 and '-'"};
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  const fs::path path = impl_->dir / "signing" / (role + ".seed");
  auto wrapped = read_file(path, 64);
  if (wrapped) {
    auto seed = seal::unwrap_key(impl_->site_key, *wrapped);
    if (!seed) return annotate(std::move(seed).error(), path.string());
    return seal::SigningKey::from_seed(seed->view());
  }
  if (wrapped.error().code != Code::kNotFound) return std::move(wrapped).error();
  auto key = seal::SigningKey::generate();
  CASEBOX_TRY(seal::Secret seed, seal::Secret::from_bytes(key.seed()));
  CASEBOX_TRY(Bytes bytes, seal::wrap_key(impl_->site_key, seed));
  CASEBOX_CHECK(write_file_atomic(path, bytes, kPrivate));
  return key;
}

bool Keystore::has_private_key(BytesView public_key) const {
  std::error_code ec;
  return fs::exists(impl_->dir / "cases" / (to_hex(public_key) + ".key"), ec);
}

Result<seal::BoxKeyPair> Keystore::private_key(BytesView public_key) {
  const fs::path path = impl_->dir / "cases" / (to_hex(public_key) + ".key");
  auto wrapped = read_file(path, 64);
  if (!wrapped && wrapped.error().code == Code::kNotFound)
    return Error{Code::kNotFound, "its private key is not in the keystore " + impl_->dir.string() +
                                      ": never was, or was destroyed; content cannot be read"};
  if (!wrapped) return std::move(wrapped).error();
  auto key = seal::unwrap_key(impl_->site_key, *wrapped);
  if (!key) return annotate(std::move(key).error(), path.string());
  seal::BoxKeyPair pair;
  pair.private_key = std::move(*key);
  CASEBOX_TRY(pair.public_key, seal::box_public_key(pair.private_key));
  if (casebox::view(pair.public_key) != public_key)
    return Error{Code::kCorrupt, path.string() + ": holds the private half of another key"};
  return pair;
}

Result<void> Keystore::audit(v1::AuditRecord record) {
  std::lock_guard guard(impl_->mutex);
  const fs::path path = impl_->dir / "audit.log";
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  CASEBOX_TRY(Fd fd, Fd::open(path, O_RDWR | O_CREAT, kPrivate));
  // Other processes write to the trail as well: follow what they added since the last time.
  TrailEnd& end = impl_->trail;
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) return errno_error(path, "seek", errno);
  if (static_cast<size_t>(size) < end.at)
    return Error{Code::kCorrupt,
                 path.string() + ": the audit trail has become shorter; it was changed"};
  Bytes added(static_cast<size_t>(size) - end.at, '\0');
  if (::pread(fd.get(), added.data(), added.size(), static_cast<off_t>(end.at)) !=
      static_cast<ssize_t>(added.size()))
    return errno_error(path, "read", errno);
  CASEBOX_CHECK(follow_trail(added, path, &end, nullptr));
  record.set_previous(Bytes(view(end.head)));
  record.set_utc_ns(static_cast<uint64_t>(impl_->clock->utc().ns));
  const Bytes body = record.SerializeAsString();
  Bytes entry(4, '\0');
  store_le(entry.data(), static_cast<uint32_t>(body.size()));
  entry += body;
  if (end.at < static_cast<size_t>(size) && ::ftruncate(fd.get(), static_cast<off_t>(end.at)) != 0)
    return errno_error(path, "truncate", errno);
  if (::lseek(fd.get(), static_cast<off_t>(end.at), SEEK_SET) < 0)
    return errno_error(path, "seek", errno);
  CASEBOX_CHECK(write_all(fd, entry, path));
  if (::fdatasync(fd.get()) != 0) return errno_error(path, "fdatasync", errno);
  if (size == 0) CASEBOX_CHECK(sync_directory(impl_->dir));
  end.head = seal::sha256(body);
  end.at += entry.size();
  return ok();
}

Result<std::vector<v1::AuditRecord>> Keystore::read_audit() const {
  const fs::path path = impl_->dir / "audit.log";
  auto bytes = read_file(path);
  if (!bytes && bytes.error().code == Code::kNotFound) return std::vector<v1::AuditRecord>{};
  if (!bytes) return std::move(bytes).error();
  std::vector<v1::AuditRecord> records;
  TrailEnd end;
  CASEBOX_CHECK(follow_trail(*bytes, path, &end, &records));
  return records;
}

}  // namespace casebox::keyring
