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
#include "proto/keyring/internal/account.h"
#include "proto/keyring/internal/folder.h"
#include "proto/keyring/internal/site_key.h"
#include "proto/keyring/internal/site_list.h"
#include "proto/keyring/internal/stock.h"
#include "proto/keyring/internal/sweeper.h"
#include "proto/keyring/internal/trail.h"
#include "proto/keyring/roles.h"

namespace casebox::keyring {

namespace fs = std::filesystem;
using internal::kPrivate;
using internal::lock_folder;
using internal::make_private_dir;

namespace {

/// Names that are safe in a file name, a log line and a table.
bool plain(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

struct Keystore::Impl {
  fs::path dir;
  Clock* clock = nullptr;
  internal::SharedKey site_key;
  std::optional<internal::SiteList> list;
  std::optional<internal::Trail> trail;
  std::optional<Error> not_upgraded;  // why one of the first form still is
  std::mutex mutex;                   // around the files of this folder
  std::mutex notices_mutex;
  std::function<void(const std::string&)> notice;
  std::vector<std::string> untold;
  internal::Sweeper sweeper;  // last, so that its thread ends first

  void tell(const std::string& what) {
    std::lock_guard guard(notices_mutex);
    if (notice) {
      notice(what);
    } else {
      untold.push_back(what);
    }
  }

  void use(internal::SharedKey key) {
    site_key = std::move(key);
    list.emplace(dir, **site_key);
    trail.emplace(dir, **site_key);
  }

  /// A pair whose private half is kept here; the public one's hex.
  Result<std::string> make_pair() {
    const auto pair = seal::BoxKeyPair::generate();
    std::string name = to_hex(Digest(pair.public_key));
    CASEBOX_TRY(Bytes wrapped, seal::wrap_key(**site_key, pair.private_key));
    CASEBOX_CHECK(write_file_atomic(dir / "cases" / (name + ".key"), wrapped, kPrivate));
    return name;
  }

  /// Private half first: a public key in stock always has one.
  Result<void> add_pair() {
    CASEBOX_TRY(const std::string name, make_pair());
    return internal::put_in_stock(dir, name);
  }

  Result<void> append(v1::AuditRecord record) {
    if (not_upgraded) return *not_upgraded;
    fill_in(record);
    auto done = trail->append(std::move(record));
    for (const std::string& note : trail->take_notes()) tell(note);
    return done;
  }

  Result<void> change_list(const std::string& purpose, const std::string& name,
                           const std::function<Result<bool>(v1::TrustList&)>& edit);

  void fill_in(v1::AuditRecord& record) const {
    const internal::Account account = internal::current_account();
    record.set_utc_ns(static_cast<uint64_t>(clock->utc().ns));
    record.set_uid(account.uid);
    record.set_account(account.name);
  }

  Result<seal::SigningKey> read_seed(const fs::path& path) const {
    CASEBOX_TRY(const Bytes wrapped, read_file(path, 64));
    auto seed = seal::unwrap_key(**site_key, wrapped);
    if (!seed) return annotate(std::move(seed).error(), path.string());
    return seal::SigningKey::from_seed(seed->view());
  }

  Result<void> create(size_t stock);
  Result<void> upgrade();
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
  auto waiting = internal::read_site_key(dir / "site.key.made");
  if (waiting) {
    use(*std::move(waiting));
  } else {
    if (waiting.error().code != Code::kNotFound) return std::move(waiting).error();
    if (fs::exists(dir / "cases", ec) && !fs::is_empty(dir / "cases", ec))
      return Error{Code::kCorrupt, (dir / "site.key").string() +
                                       ": is missing, but keys under it are here; restore it from "
                                       "the keystore's backup"};
    use(internal::random_site_key());
    CASEBOX_CHECK(write_file_atomic(dir / "site.key.made", (**site_key).view(), kPrivate));
  }
  for (const char* sub : {"cases", "stock", "signing"}) CASEBOX_CHECK(make_private_dir(dir / sub));
  for (size_t i = 0; i < stock; ++i) CASEBOX_CHECK(add_pair());
  CASEBOX_CHECK(list->make({}, clock->utc()));
  CASEBOX_CHECK(trail->make(clock->utc()));
  CASEBOX_CHECK(list->set_audit_counted());
  if (::rename((dir / "site.key.made").c_str(), (dir / "site.key").c_str()) != 0)
    return errno_error(dir / "site.key", "rename", errno);
  return sync_directory(dir);
}

/// A keystore of the first form gets a trust list, with the keys that it has made so far, and a
/// counted audit trail; last the state says that both are there.
Result<void> Keystore::Impl::upgrade() {
  CASEBOX_TRY(Fd lock, lock_folder(dir));
  CASEBOX_CHECK(make_list());
  CASEBOX_TRY(const bool counted, list->audit_counted());
  if (counted) return ok();  // another program did it meanwhile
  CASEBOX_TRY(const bool earlier, trail->make(clock->utc()));
  CASEBOX_CHECK(list->set_audit_counted());
  tell(dir.string() +
       ": was a keystore of the first form; its audit trail is counted and authenticated now" +
       (earlier ? ", and what it held before is kept in audit-1.log" : ""));
  return ok();
}

Result<void> Keystore::Impl::make_list() {
  auto present = list->read();
  if (present || present.error().code != Code::kNotFound)
    return present ? ok() : Result<void>(std::move(present).error());
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
  if (!added) return ok();
  tell(dir.string() + ": " + enrolled_text(one));
  v1::AuditRecord record;
  record.set_purpose("enrol");
  record.set_subject("casebox");
  record.set_allowed(true);
  record.set_reason(one.name());
  if (auto written = append(std::move(record)); !written) tell(written.error().message);
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
  auto site = internal::read_site_key(dir / "site.key");
  if (!site && site.error().code == Code::kNotFound)
    return Error{
        Code::kNotFound,
        dir.string() +
            ": no keystore here (site.key is missing); make one with `casebox keys stock`"};
  if (!site) return std::move(site).error();
  Impl& impl = *store->impl_;
  impl.use(*std::move(site));
  if (const auto loose = internal::loose_modes(dir); !loose.empty()) impl.tell(loose);
  if (!impl.site_key->locked())
    impl.tell(dir.string() +
              ": the site key could not be locked into memory and may reach the "
              "swap; raise the limit of locked memory (ulimit -l)");
  // Whoever cannot upgrade it, or not yet, may record with it all the same: audit() says why
  // nothing is opened. So may whoever finds the state or the list damaged: trust() says that.
  const auto counted = impl.list->audit_counted();
  const bool first_form = counted ? !*counted : counted.error().code == Code::kNotFound;
  if (first_form) {
    if (auto upgraded = impl.upgrade(); !upgraded) impl.not_upgraded = upgraded.error();
  } else if (counted && impl.list->read()) {
    // One that cannot write leaves it to the next; programs that enrol meanwhile are waited for.
    if (impl.list->behind())
      if (auto lock = lock_folder(dir)) (void)impl.list->catch_up();
  }
  return store;
}

Result<trust::TrustList> Keystore::trust() const { return impl_->list->read(); }

Result<Bytes> Keystore::signed_trust() const { return impl_->list->read_signed(); }

/// The trail says of a change whether it was made or refused, before the list is written.
Result<void> Keystore::Impl::change_list(const std::string& purpose, const std::string& name,
                                         const std::function<Result<bool>(v1::TrustList&)>& edit) {
  return list->change(clock->utc(), [&](v1::TrustList& all) -> Result<bool> {
    auto changed = edit(all);
    v1::AuditRecord record;
    record.set_purpose(purpose);
    record.set_subject("casebox keys");
    record.set_allowed(changed.has_value());
    record.set_reason(name);
    CASEBOX_CHECK(append(std::move(record)));
    return changed;
  });
}

Result<void> Keystore::enrol(const v1::TrustedProducer& producer, bool change_role) {
  if (producer.key().size() != 32 || !seal::can_sign(producer.key()) ||
      name_of(producer.role()).empty() || !plain(producer.name()))
    return Error{Code::kInvalidArgument,
                 "enrol '" + producer.name() +
                     "': cannot be enrolled so; give a name of a-z, 0-9 and '-', a role and an "
                     "Ed25519 public key (one for which somebody can hold the only private key)"};
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  return impl_->change_list("enrol", producer.name(), [&](v1::TrustList& all) -> Result<bool> {
    for (v1::TrustedProducer& known : *all.mutable_producers()) {
      if (known.key() == producer.key()) {
        const bool same_name = known.name() == producer.name();
        if (!same_name || (known.role() != producer.role() && !change_role))
          return Error{Code::kAlreadyExists,
                       "enrol '" + producer.name() + "': the key is enrolled already, as '" +
                           known.name() + "' (" + name_of(known.role()) +
                           "); one key has one name and one role" +
                           (same_name ? "; --change-role gives it this one, and what it signed in "
                                        "the other no longer counts"
                                      : "")};
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
  return impl_->change_list("end-enrolment", name, [&](v1::TrustList& all) -> Result<bool> {
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
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  return internal::take_from_stock(impl_->dir, how_to_refill());
}

std::string Keystore::how_to_refill() const {
  return "add some with `casebox keys stock --keys " + impl_->dir.string() + "`";
}

Result<std::vector<std::string>> Keystore::make_case_keys(size_t count) {
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) {
    CASEBOX_TRY(std::string name, impl_->make_pair());
    names.push_back(std::move(name));
  }
  return names;
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
    CASEBOX_TRY(const Bytes bytes, seal::wrap_key(**impl_->site_key, seed));
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

Result<seal::Secret> Keystore::private_half(BytesView public_key) const {
  const fs::path path = impl_->dir / "cases" / (to_hex(public_key) + ".key");
  auto wrapped = read_file(path, 64);
  if (!wrapped && wrapped.error().code == Code::kNotFound)
    return Error{Code::kNotFound, "its private key is not in the keystore " + impl_->dir.string() +
                                      ": never was, or was destroyed; content cannot be read"};
  if (!wrapped) return std::move(wrapped).error();
  auto key = seal::unwrap_key(**impl_->site_key, *wrapped);
  if (!key) return annotate(std::move(key).error(), path.string());
  return key;
}

Result<seal::BoxKeyPair> Keystore::private_key(BytesView public_key) {
  seal::BoxKeyPair pair;
  CASEBOX_TRY(pair.private_key, private_half(public_key));
  CASEBOX_TRY(pair.public_key, seal::box_public_key(pair.private_key));
  if (casebox::view(pair.public_key) != public_key)
    return Error{Code::kCorrupt, (impl_->dir / "cases" / (to_hex(public_key) + ".key")).string() +
                                     ": holds the private half of another key"};
  return pair;
}

Result<Digest> Keystore::authenticate(BytesView label, BytesView message) const {
  CASEBOX_TRY(const seal::Secret code,
              seal::hkdf(**impl_->site_key, view(seal::sha256(message)), label));
  return Digest(code.bytes());
}

Result<void> Keystore::audit(v1::AuditRecord record) {
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  return impl_->append(std::move(record));
}

Result<std::vector<v1::AuditRecord>> Keystore::read_audit() const {
  std::lock_guard guard(impl_->mutex);
  if (impl_->not_upgraded) return *impl_->not_upgraded;
  CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
  auto all = impl_->trail->read();
  for (const std::string& note : impl_->trail->take_notes()) impl_->tell(note);
  return all;
}

Result<std::string> Keystore::accept_damaged_audit(const std::string& subject) {
  std::lock_guard guard(impl_->mutex);
  std::string what;
  {
    CASEBOX_TRY(Fd lock, lock_folder(impl_->dir));
    v1::AuditRecord first;
    first.set_purpose("accept-damage");
    first.set_subject(subject);
    first.set_allowed(true);
    impl_->fill_in(first);
    CASEBOX_TRY(what, impl_->trail->accept_damage(std::move(first), impl_->clock->utc()));
  }
  if (impl_->not_upgraded) {
    what = impl_->not_upgraded->message;
    CASEBOX_CHECK(impl_->upgrade());
    impl_->not_upgraded.reset();
  }
  return what;
}

void Keystore::watch(std::weak_ptr<internal::Sweepable> what) {
  impl_->sweeper.watch(std::move(what));
}

}  // namespace casebox::keyring
