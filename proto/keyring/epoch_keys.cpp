// Key derivation of docs/formats/keystore.md.

#include <map>
#include <optional>
#include <utility>

#include "proto/keyring/keyring.h"

namespace casebox::keyring {
namespace {

Bytes labelled(BytesView label, StreamId stream, KeyPeriod period) {
  Bytes info(label);
  char place[6];
  store_le(place, stream.value);
  store_le(place + 4, period.value);
  info.append(place, sizeof place);
  return info;
}

// A reader that walks hours of video needs few periods at a time.
constexpr size_t kMostAeads = 256;

}  // namespace

struct EpochKeys::Impl {
  Epoch epoch;
  seal::Secret secret;
  std::map<std::pair<uint32_t, uint16_t>, seal::Aead> aeads;
  std::optional<seal::Aead> names;

  Result<seal::Secret> derive(const Bytes& info) const {
    char salt[8];
    store_le(salt, epoch.value);
    return seal::hkdf(secret, {salt, sizeof salt}, info);
  }
};

EpochKeys::EpochKeys(Epoch epoch, seal::Secret secret)
    : impl_(std::make_unique<Impl>(Impl{epoch, std::move(secret), {}, {}})) {}
EpochKeys::~EpochKeys() = default;
EpochKeys::EpochKeys(EpochKeys&&) noexcept = default;
EpochKeys& EpochKeys::operator=(EpochKeys&&) noexcept = default;

Result<seal::Secret> EpochKeys::period_secret(StreamId stream, KeyPeriod period) const {
  return impl_->derive(labelled("casebox.period.v1", stream, period));
}

Result<seal::Aead*> EpochKeys::names_aead() {
  if (!impl_->names) {
    CASEBOX_TRY(seal::Secret key, impl_->derive("casebox.names.v1"));
    CASEBOX_TRY(impl_->names, seal::Aead::create(key));
  }
  return &*impl_->names;
}

Epoch EpochKeys::epoch() const { return impl_->epoch; }

Result<seal::Aead*> EpochKeys::aead(StreamId stream, KeyPeriod period) {
  const std::pair place{stream.value, period.value};
  if (auto found = impl_->aeads.find(place); found != impl_->aeads.end()) return &found->second;
  CASEBOX_TRY(seal::Secret secret, period_secret(stream, period));
  CASEBOX_TRY(seal::Secret key, period_key(secret));
  CASEBOX_TRY(seal::Aead aead, seal::Aead::create(key));
  if (impl_->aeads.size() >= kMostAeads) impl_->aeads.clear();
  return &impl_->aeads.emplace(place, std::move(aead)).first->second;
}

Result<Digest> commitment(const seal::Secret& period_secret, BytesView salt) {
  CASEBOX_TRY(seal::Secret derived, seal::hkdf(period_secret, salt, "casebox.commitment.v1"));
  return Digest(derived.bytes());
}

Result<seal::Secret> period_key(const seal::Secret& period_secret) {
  return seal::hkdf(period_secret, {}, "casebox.frame-key.v1");
}

}  // namespace casebox::keyring
