#include "proto/keyring/internal/site_list.h"

#include <utility>

namespace casebox::keyring::internal {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxStateBytes = 4096;

Error damaged(const fs::path& path, const std::string& what) {
  return {Code::kCorrupt, path.string() + ": " + what +
                              "; restore the keystore from its backup and see who writes to it"};
}

bool there(const fs::path& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

}  // namespace

Result<v1::KeystoreState> SiteList::read_state() const {
  auto bytes = read_file(state_path(), kMaxStateBytes);
  if (!bytes && bytes.error().code == Code::kNotFound) {
    // All of these are made behind it.
    if (there(list_path()) || there(seed_path()) || there(dir_ / "audit.head"))
      return damaged(state_path(),
                     "is missing, so nobody can tell whether the trust list is the newest");
    return Error{Code::kNotFound, dir_.string() +
                                      ": no trust list was made here yet; run `casebox keys list` "
                                      "once as the keystore's owner"};
  }
  if (!bytes) return std::move(bytes).error();
  v1::SealedKeystoreState sealed;
  v1::KeystoreState state;
  CASEBOX_TRY(const auto key, seal::hkdf(*site_key_, {}, "casebox.keystore-state.v1"));
  if (!sealed.ParseFromString(*bytes)) return damaged(state_path(), "was changed");
  if (!seal::equal_in_constant_time(view(seal::hmac(key, {sealed.state()})), sealed.mac()))
    return damaged(state_path(), "does not hold under site.key: one of the two was changed");
  if (!state.ParseFromString(sealed.state()) || state.site_key().size() != 32)
    return damaged(state_path(), "was changed");
  return state;
}

Result<void> SiteList::write_state(const v1::KeystoreState& state) {
  CASEBOX_TRY(const auto key, seal::hkdf(*site_key_, {}, "casebox.keystore-state.v1"));
  v1::SealedKeystoreState sealed;
  sealed.set_state(state.SerializeAsString());
  sealed.set_mac(Bytes(view(seal::hmac(key, {sealed.state()}))));
  return write_file_atomic(state_path(), sealed.SerializeAsString(), kPrivate);
}

Result<seal::SigningKey> SiteList::signing_key() const {
  auto wrapped = read_file(seed_path(), 64);
  if (!wrapped && wrapped.error().code == Code::kNotFound)
    return damaged(seed_path(), "is missing, so the trust list cannot be signed");
  if (!wrapped) return std::move(wrapped).error();
  auto seed = seal::unwrap_key(*site_key_, *wrapped);
  if (!seed) return annotate(std::move(seed).error(), seed_path().string());
  return seal::SigningKey::from_seed(seed->view());
}

Result<Bytes> SiteList::read_signed() const {
  // The state first: a change writes it last, so a list read after it is never behind it.
  CASEBOX_TRY(const auto state, read_state());
  auto bytes = read_file(list_path(), trust::kMaxListBytes);
  if (!bytes && bytes.error().code == Code::kNotFound) {
    if (state.trust_serial() > 0) return damaged(list_path(), "is missing");
    return Error{Code::kNotFound, dir_.string() +
                                      ": the trust list is only half made; run "
                                      "`casebox keys list` once as its owner"};
  }
  if (!bytes) return std::move(bytes).error();
  CASEBOX_TRY(const Digest pinned, to_digest(state.site_key()));
  auto list = trust::TrustList::parse(*bytes, pinned);
  if (!list) return damaged(list_path(), list.error().message);
  if (list->message().serial() < state.trust_serial())
    return damaged(list_path(), "was rolled back: it is number " +
                                    std::to_string(list->message().serial()) + ", but number " +
                                    std::to_string(state.trust_serial()) + " was in force already");
  return bytes;
}

Result<trust::TrustList> SiteList::read() const {
  CASEBOX_TRY(const Bytes bytes, read_signed());
  return trust::TrustList::parse(bytes);
}

Result<void> SiteList::write(v1::TrustList list, UtcTime now, const seal::SigningKey& key) {
  list.set_serial(list.serial() + 1);
  list.set_made_utc_ns(static_cast<uint64_t>(now.ns));
  CASEBOX_TRY(v1::KeystoreState state, read_state());
  state.set_trust_serial(list.serial());
  state.set_site_key(Bytes(view(key.public_key())));
  const Bytes bytes = trust::TrustList::sign(std::move(list), key);
  // What would not be read again must not be written.
  CASEBOX_CHECK(trust::TrustList::parse(bytes, key.public_key()));
  CASEBOX_CHECK(write_file_atomic(list_path(), bytes, kPrivate));
  return write_state(state);
}

Result<void> SiteList::make(const std::vector<v1::TrustedProducer>& producers, UtcTime now) {
  auto present = read();
  if (present || present.error().code != Code::kNotFound)
    return present ? ok() : Result<void>(std::move(present).error());
  auto key = signing_key();
  auto state = read_state();
  const bool half = state && key && state->site_key() == view(key->public_key());
  if (!half) {
    // The state goes first: a seed without one was robbed of it.
    key = seal::SigningKey::generate();
    v1::KeystoreState first;
    first.set_site_key(Bytes(view(key->public_key())));
    CASEBOX_CHECK(write_state(first));
    CASEBOX_TRY(const auto seed, seal::Secret::from_bytes(key->seed()));
    CASEBOX_TRY(const Bytes wrapped, seal::wrap_key(*site_key_, seed));
    CASEBOX_CHECK(write_file_atomic(seed_path(), wrapped, kPrivate));
  }
  v1::TrustList list;
  for (const v1::TrustedProducer& one : producers) *list.add_producers() = one;
  return write(std::move(list), now, *key);
}

Result<void> SiteList::change(UtcTime now,
                              const std::function<Result<bool>(v1::TrustList&)>& edit) {
  CASEBOX_TRY(const auto present, read());
  v1::TrustList list = present.message();
  CASEBOX_TRY(const bool changed, edit(list));
  if (!changed) return ok();
  CASEBOX_TRY(const auto key, signing_key());
  return write(std::move(list), now, key);
}

Result<bool> SiteList::audit_counted() const {
  CASEBOX_TRY(const auto state, read_state());
  return state.audit_counted();
}

Result<void> SiteList::set_audit_counted() {
  CASEBOX_TRY(auto state, read_state());
  state.set_audit_counted(true);
  return write_state(state);
}

bool SiteList::behind() const {
  const auto state = read_state();
  const auto list = read();
  return state && list && list->message().serial() > state->trust_serial();
}

Result<void> SiteList::catch_up() {
  CASEBOX_TRY(auto state, read_state());
  CASEBOX_TRY(const auto list, read());
  if (list.message().serial() <= state.trust_serial()) return ok();
  state.set_trust_serial(list.message().serial());
  return write_state(state);
}

}  // namespace casebox::keyring::internal
