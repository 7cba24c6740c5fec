// Opening frames with derived keys, and how long those stay in memory.

#include <map>
#include <mutex>
#include <utility>

#include "proto/keyring/internal/sweeper.h"
#include "proto/keyring/keyring.h"
#include "proto/keyring/sealed_names.h"

namespace casebox::keyring {
namespace {

// Sweeps without use before secrets go; with four sweeps a second, within one second.
constexpr int kIdleSweeps = 3;

/// What the sealed box of a case frame holds: the epoch's secret, checked to be this case's and
/// epoch's.
Result<EpochKeys> open_epoch(const seal::BoxKeyPair& pair, CaseId case_id, Epoch epoch,
                             BytesView sealed) {
  const std::string where = "case " + to_string(case_id) + ": key of epoch " + to_string(epoch);
  auto plain = seal::open_sealed(pair, sealed);
  if (!plain) return annotate(std::move(plain).error(), where);
  v1::EpochSecret message;
  const bool parsed = message.ParseFromString(*plain);
  seal::wipe(*plain);
  auto secret = seal::Secret::from_bytes(message.secret());
  seal::wipe(*message.mutable_secret());
  if (!parsed || message.case_id() != case_id.view() || message.epoch() != epoch.value)
    return Error{Code::kCorrupt, where + ": belongs to another case or epoch"};
  if (!secret) return annotate(std::move(secret).error(), where);
  return EpochKeys(epoch, *std::move(secret));
}

}  // namespace

struct CaseKeys::Impl : internal::Sweepable {
  struct Held {
    Bytes sealed;  // as in the case frame
    std::optional<EpochKeys> keys;
  };

  explicit Impl(CaseId id) : case_id(id) {}

  const CaseId case_id;
  Keystore* keystore = nullptr;
  Bytes public_key;
  std::mutex mutex;  // around what follows: the sweeper's thread and the owner's
  std::map<uint64_t, Held> epochs;
  int idle = 0;       // sweeps since the last use
  bool asked = true;  // since the last sweep, whether the private key is still there
  bool watched = false;

  bool sweep() override {
    std::lock_guard guard(mutex);
    asked = false;
    if (++idle < kIdleSweeps) return true;
    drop();
    return watched = false;
  }

  void drop() {
    for (auto& [epoch, held] : epochs) held.keys.reset();
  }

  /// Opens the sealed secrets that are not here; those that do not open stay out.
  Result<void> fetch(const std::shared_ptr<Impl>& self) {
    auto pair = keystore->private_key(public_key);
    if (!pair) return annotate(std::move(pair).error(), "case " + to_string(case_id));
    std::optional<Error> first;
    size_t opened = 0;
    for (auto& [number, held] : epochs) {
      if (held.keys) continue;
      auto one = open_epoch(*pair, case_id, Epoch{number}, held.sealed);
      if (one) {
        held.keys.emplace(*std::move(one));
        ++opened;
      } else if (!first) {
        first = std::move(one).error();
      }
    }
    if (opened == 0 && first) return *std::move(first);
    idle = 0;
    asked = true;
    if (!std::exchange(watched, true)) keystore->watch(self);
    return ok();
  }

  /// The keys of an epoch, fetched again if they were dropped.
  Result<EpochKeys*> of(Epoch epoch, const std::shared_ptr<Impl>& self) {
    idle = 0;
    const auto found = epochs.find(epoch.value);
    if (!std::exchange(asked, true) && !keystore->has_private_key(public_key)) {
      drop();
      return Error{Code::kNotFound, "case " + to_string(case_id) +
                                        ": its private key was destroyed while it was read; its "
                                        "content stays closed"};
    }
    if (found != epochs.end() && !found->second.keys) CASEBOX_CHECK(fetch(self));
    if (found == epochs.end() || !found->second.keys)
      return Error{Code::kDenied, "case " + to_string(case_id) + ": no key for epoch " +
                                      to_string(epoch) + "; its content stays closed"};
    return &*found->second.keys;
  }
};

CaseKeys::CaseKeys(CaseId case_id) : impl_(std::make_shared<Impl>(case_id)) {}
CaseKeys::~CaseKeys() = default;
CaseKeys::CaseKeys(CaseKeys&&) noexcept = default;

bool CaseKeys::has(Epoch epoch) const {
  std::lock_guard guard(impl_->mutex);
  return impl_->epochs.contains(epoch.value);
}

Result<CaseKeys> CaseKeys::open_epochs(Keystore& keystore, const Opening& opening,
                                       const std::vector<v1::EpochRecord>& epochs) {
  CaseKeys keys(opening.case_id());
  Impl& impl = *keys.impl_;
  impl.keystore = &keystore;
  impl.public_key = opening.case_public_key();
  std::lock_guard guard(impl.mutex);
  for (const v1::EpochRecord& record : epochs)
    if (!record.sealed_epoch_key().empty())
      impl.epochs[record.epoch()].sealed = record.sealed_epoch_key();
  CASEBOX_CHECK(impl.fetch(keys.impl_));
  // An epoch whose key does not open leaves its frames closed; the others are read.
  std::erase_if(impl.epochs, [](const auto& one) { return !one.second.keys; });
  return keys;
}

Result<void> CaseKeys::open_names(v1::Stream& stream, Epoch epoch) {
  if (stream.sealed_names().empty()) return ok();
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(EpochKeys * keys, impl_->of(epoch, impl_));
  return keyring::open_names(stream, *keys, impl_->case_id);
}

Result<void> CaseKeys::open_config(v1::CaseFrame& frame, Epoch epoch) {
  if (frame.sealed_config().empty()) return ok();
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(EpochKeys * keys, impl_->of(epoch, impl_));
  return keyring::open_config(frame, *keys, impl_->case_id);
}

Result<Bytes> CaseKeys::open(const frame::View& frame) {
  const frame::Header& h = frame.header;
  if (h.kind != frame::Kind::kData && h.kind != frame::Kind::kDraft) return Bytes(frame.body);
  if (!h.has(frame::flag::kSealed)) return frame::unpack_body(frame.body);
  Bytes packed;
  {
    std::lock_guard guard(impl_->mutex);
    CASEBOX_TRY(EpochKeys * keys, impl_->of(h.epoch, impl_));
    CASEBOX_TRY(seal::Aead * aead, keys->aead(h.stream, h.period));
    const auto aad = frame::associated_data(h);
    if (auto opened = aead->open(frame::nonce(h), {aad.data(), aad.size()}, frame.body, packed);
        !opened)
      return annotate(std::move(opened).error(), "case " + to_string(impl_->case_id) + ": stream " +
                                                     std::to_string(h.stream.value) + " number " +
                                                     std::to_string(h.first.value));
  }
  return frame::unpack_body(packed);
}

Result<KeptKey> CaseKeys::kept_key() {
  std::lock_guard guard(impl_->mutex);
  CASEBOX_TRY(const seal::BoxKeyPair pair, impl_->keystore->private_key(impl_->public_key));
  return KeptKey::of(pair.private_key);
}

}  // namespace casebox::keyring
