#include "proto/keyring/keystore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "proto/base/file.h"
#include "proto/keyring/internal/folder.h"
#include "proto/keyring/internal/site_list.h"
#include "proto/keyring/roles.h"

namespace casebox::keyring {

namespace fs = std::filesystem;
using internal::kPrivate;
using internal::lock_folder;
using internal::make_private_dir;

namespace {

constexpr uint32_t kMaxAuditRecord = 1 << 20;

/// Where the audit trail stands: its whole records' end and the hash that the next record names.
struct TrailEnd {
  size_t at = 0;
  Digest head{};
};

/// Names that are safe in a file name, a log line and a table.
bool plain(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

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
  std::optional<internal::SiteList> list;
  std::mutex mutex;  // around the files of this folder
  TrailEnd trail;
  std::mutex notices_mutex;
  std::function<void(const std::string&)> notice;
  std::vector<std::string> untold;

  void tell(const std::string& what) {
    std::lock_guard guard(notices_mutex);
    if (notice) {
      notice(what);
    } else {
      untold.push_back(what);
    }
  }

  void use(seal::Secret key) {
    site_key = std::move(key);
    list.emplace(dir, site_key);
  }

  Result<void> add_pair() {
    const auto pair = seal::BoxKeyPair::generate();
    const std::string name = to_hex(Digest(pair.public_key));
    CASEBOX_TRY(Bytes wrapped, seal::wrap_key(site_key, pair.private_key));
    // Private half first: a public key in stock always has one.
    CASEBOX_CHECK(write_file_atomic(dir / "cases" / (name + ".key"), wrapped, kPrivate));
    return write_file_atomic(dir / "stock" / (name + ".pub"), name + "\n", kPrivate);
  }

  Result<seal::SigningKey> read_seed(const fs::path& path) const {
    CASEBOX_TRY(const Bytes wrapped, read_file(path, 64));
    auto seed = seal::unwrap_key(site_key, wrapped);
    if (!seed) return annotate(std::move(seed).error(), path.string());
    return seal::SigningKey::from_seed(seed->view());
  }

  Result<void> create(size_t stock);
  Result<void> make_list();
  Result<void> enrol_own(const std::string& name, const seal::SigningKey& key);
};

namespace {

v1::TrustedProducer own_producer(const std::string& name, const seal::SigningKey& key) {
  v1::TrustedProducer one;
  one.set_name(name);
  one.set_role(role_named(name));
  one.set_key(Bytes(view(key.public_key())));
  return one;
}

std::string enrolled_text(const v1::TrustedProducer& one) {
  return "enrolled '" + one.name() + "' as " + name_of(one.role()) + " in the trust list (key " +
         to_hex(one.key()).substr(0, 16) + "...)";
}

bool has_name(const v1::TrustList& list, const std::string& name) {
  return std::ranges::any_of(list.producers(), [&](const auto& one) { return one.name() == name; });
}

}  // namespace

/// Everything but the site key, then the key: a folder with one is a whole keystore. The key waits
/// in a file of its own meanwhile, so that a crash on the way costs nothing.
Result<void> Keystore::Impl::create(size_t stock) {
  CASEBOX_CHECK(make_private_dir(dir));
  CASEBOX_TRY(Fd lock, lock_folder(dir));
  std::error_code ec;
  if (fs::exists(dir / "site.key", ec)) return ok();  // another program made it meanwhile
  auto waiting = read_file(dir / "site.key.made", 64);
  if (waiting) {
    CASEBOX_TRY(auto key, seal::Secret::from_bytes(*waiting));
    use(std::move(key));
  } else {
    if (fs::exists(dir / "cases", ec) && !fs::is_empty(dir / "cases", ec))
      return Error{Code::kCorrupt, (dir / "site.key").string() +
                                       ": is missing, but keys under it are here; restore it from "
                                       "the keystore's backup"};
    use(seal::Secret::random());
    CASEBOX_CHECK(write_file_atomic(dir / "site.key.made", site_key.view(), kPrivate));
  }
  for (const char* sub : {"cases", "stock", "signing"}) CASEBOX_CHECK(make_private_dir(dir / sub));
  for (size_t i = 0; i < stock; ++i) CASEBOX_CHECK(add_pair());
  CASEBOX_CHECK(list->make({}, clock->utc()));
  if (::rename((dir / "site.key.made").c_str(), (dir / "site.key").c_str()) != 0)
    return errno_error(dir / "site.key", "rename", errno);
  return sync_directory(dir);
}

/// A keystore from before trust lists gets one, with the keys that it has made so far.
Result<void> Keystore::Impl::make_list() {
  auto present = list->read();
  if (present) return list->catch_up();
  // A damaged list is the business of whoever asks for it: recording must go on.
  if (present.error().code != Code::kNotFound) return ok();
  CASEBOX_TRY(Fd lock, lock_folder(dir));
  present = list->read();
  if (present || present.error().code != Code::kNotFound) return ok();
  CASEBOX_TRY(const auto names, internal::names_in(dir / "signing", ".seed"));
  std::vector<v1::TrustedProducer> producers;
  for (const std::string& name : names) {
    if (role_named(name) == v1::PRODUCER_ROLE_UNSPECIFIED) continue;
    CASEBOX_TRY(const auto key, read_seed(dir / "signing" / (name + ".seed")));
    producers.push_back(own_producer(name, key));
  }
  CASEBOX_CHECK(list->make(producers, clock->utc()));
  tell(dir.string() +
       ": a keystore from before trust lists; made one with the site's own producers");
  for (const v1::TrustedProducer& one : producers) tell(dir.string() + ": " + enrolled_text(one));
  return ok();
}

/// A key that was made here counts in its role; whoever ended its enrolment keeps the last word.
Result<void> Keystore::Impl::enrol_own(const std::string& name, const seal::SigningKey& key) {
  v1::TrustedProducer one = own_producer(name, key);
  bool added = false;
  CASEBOX_CHECK(list->change(clock->utc(), [&](v1::TrustList& all) -> Result<bool> {
    for (const v1::TrustedProducer& known : all.producers())
      if (known.key() == one.key()) return false;
    for (int n = 2; has_name(all, one.name()); ++n) one.set_name(name + "-" + std::to_string(n));
    *all.add_producers() = one;
    return added = true;
  }));
  if (added) tell(dir.string() + ": " + enrolled_text(one));
  return ok();
}

Keystore::Keystore() : impl_(std::make_unique<Impl>()) {}
Keystore::~Keystore() = default;

const fs::path& Keystore::dir() const { return impl_->dir; }

void Keystore::on_notice(std::function<void(const std::string&)> notice) {
  std::lock_guard guard(impl_->notices_mutex);
  if (notice)
    for (const std::string& one : std::exchange(impl_->untold, {})) notice(one);
  impl_->notice = std::move(notice);
}

Result<std::unique_ptr<Keystore>> Keystore::open(const fs::path& dir, Clock& clock, bool create,
                                                 size_t stock) {
  std::unique_ptr<Keystore> store(new Keystore);
  store->impl_->dir = dir;
  store->impl_->clock = &clock;
  std::error_code ec;
  if (create && !fs::exists(dir / "site.key", ec)) CASEBOX_CHECK(store->impl_->create(stock));
  auto site = read_file(dir / "site.key", 64);
  if (!site && site.error().code == Code::kNotFound)
    return Error{
        Code::kNotFound,
        dir.string() +
            ": no keystore here (site.key is missing); make one with `casebox keys stock`"};
  if (!site) return std::move(site).error();
  auto key = seal::Secret::from_bytes(*site);
  if (!key) return annotate(std::move(key).error(), (dir / "site.key").string());
  store->impl_->use(std::move(*key));
  auto listed = store->impl_->make_list();
  // Whoever may only read it opens it all the same; asking for the list then says what is missing.
  const Code code = listed ? Code::kInternal : listed.error().code;
  if (!listed && code != Code::kDenied && code != Code::kIo) return std::move(listed).error();
  return store;
}

Result<trust::TrustList> Keystore::trust() const { return impl_->list->read(); }

Result<Bytes> Keystore::signed_trust() const { return impl_->list->read_signed(); }

Result<void> Keystore::enrol(const v1::TrustedProducer& producer) {
  if (producer.key().size() != 32 || name_of(producer.role()).empty() || !plain(producer.name()))
    return Error{Code::kInvalidArgument,
                 "enrol '" + producer.name() +
                     "': give a name of a-z, 0-9 and '-', a role and an Ed25519 public key"};
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  return impl_->list->change(impl_->clock->utc(), [&](v1::TrustList& all) -> Result<bool> {
    for (v1::TrustedProducer& known : *all.mutable_producers()) {
      if (known.key() == producer.key()) {
        if (known.role() != producer.role() || known.name() != producer.name())
          return Error{Code::kAlreadyExists, "enrol '" + producer.name() +
                                                 "': the key is enrolled already, as '" +
                                                 known.name() + "' (" + name_of(known.role()) +
                                                 "); one key has one name and one role"};
        known = producer;
        return true;
      }
      if (known.name() == producer.name())
        return Error{Code::kAlreadyExists, "enrol '" + producer.name() +
                                               "': another key has this name; give another name"};
    }
    *all.add_producers() = producer;
    return true;
  });
}

Result<void> Keystore::end_enrolment(const std::string& name, UtcTime until) {
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  return impl_->list->change(impl_->clock->utc(), [&](v1::TrustList& all) -> Result<bool> {
    for (v1::TrustedProducer& known : *all.mutable_producers()) {
      if (known.name() != name) continue;
      known.set_until_utc_ns(static_cast<uint64_t>(until.ns));
      return true;
    }
    return Error{
        Code::kNotFound,
        "'" + name + "': nobody of this name is enrolled; `casebox keys list` shows who is"};
  });
}

Result<CaseKey> Keystore::take_case_key() {
  std::lock_guard guard(impl_->mutex);
  const fs::path stock = impl_->dir / "stock";
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  CASEBOX_TRY(auto names, internal::names_in(stock, ".pub"));
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

Result<seal::SigningKey> Keystore::signing_key(const std::string& name) {
  if (role_named(name) == v1::PRODUCER_ROLE_UNSPECIFIED)
    return Error{Code::kInvalidArgument,
                 "signing key '" + name + "': write recorder, import, analysis or custody"};
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  const fs::path path = impl_->dir / "signing" / (name + ".seed");
  auto key = impl_->read_seed(path);
  if (!key && key.error().code != Code::kNotFound) return std::move(key).error();
  if (!key) {
    key = seal::SigningKey::generate();
    CASEBOX_TRY(const seal::Secret seed, seal::Secret::from_bytes(key->seed()));
    CASEBOX_TRY(const Bytes bytes, seal::wrap_key(impl_->site_key, seed));
    CASEBOX_CHECK(write_file_atomic(path, bytes, kPrivate));
  }
  // A recording must not fail for its enrolment's sake: what it says waits in quarantine until
  // then.
  if (auto enrolled = impl_->enrol_own(name, *key); !enrolled)
    impl_->tell("'" + name + "' could not be enrolled: " + enrolled.error().message);
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
