#pragma once

// The site's keystore as a folder of small files: the site key, one wrapped private key a case, the
// stock of one-time public keys, and the audit trail of every opening (docs/formats/keystore.md).
//
//   site.key            32 random bytes, mode 0600
//   cases/<public>.key  a case's X25519 private key, wrapped by the site key (AES-256-KWP), named
//                       by its public key; destroyed to erase the case
//   stock/<public>.pub  unused one-time public keys, for recorders
//   signing/<name>.seed Ed25519 seeds, one per role, and the site's own, wrapped by the site key
//   trust.list          whose word counts, signed by the site (docs/formats/trust.md)
//   state               the newest list's number, under a MAC: an older one put back is noticed
//   audit.log           counted, chained and authenticated openings, durable before keys are handed
//   audit.head          out; and how far they go
//
// On one machine a stolen disk holds both the records and the keys; keep the folder elsewhere if
// you can. Thread safety: safe from several threads of one process, and from several processes: who
// changes the folder holds its lock. Errors: kNotFound for a case whose key is not (or no longer)
// there, kDenied for a refused opening.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "casebox/v1/log.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/keyring/producer_keys.h"
#include "proto/seal/seal.h"
#include "proto/trust/trust.h"

namespace casebox::keyring {

namespace internal {
class Sweepable;
}
class CaseKeys;
class Keyring;

class Keystore final : public ProducerKeys {
 public:
  /// Opens the folder, bringing one of an earlier form up to date; with `create`, makes it with a
  /// site key and a stock of `stock` keys.
  static Result<std::unique_ptr<Keystore>> open(const std::filesystem::path& dir, Clock& clock,
                                                bool create = false, size_t stock = 100);
  ~Keystore() override;

  /// Takes a one-time public key for a new case. Needs only public halves.
  Result<CaseKey> take_case_key() override;
  std::string how_to_refill() const override;
  /// Adds `count` fresh key pairs to the stock.
  Result<void> add_stock(size_t count);
  /// Makes `count` fresh key pairs for a stock that is kept elsewhere (kit.h): keeps the private
  /// halves, returns the public ones in hex.
  Result<std::vector<std::string>> make_case_keys(size_t count);

  /// The signing key of a role ("recorder", "import", "analysis", "custody"; keyring::role_named);
  /// made on first use, and enrolled in that role.
  Result<seal::SigningKey> signing_key(const std::string& role) override;

  /// Who may say what at this site, as it stands on disk now. kCorrupt for a list that was changed,
  /// taken away or rolled back; kNotFound for a keystore from before lists that only its owner can
  /// give one.
  Result<trust::TrustList> trust() const;
  /// The same as signed bytes, to be handed on.
  Result<Bytes> signed_trust() const;
  /// Enrols a producer, or changes the room and times of one enrolled under the same name, key and
  /// role; with `change_role` the role too. kAlreadyExists when name or key is another's.
  Result<void> enrol(const v1::TrustedProducer& producer, bool change_role = false);
  /// What a producer begins from `until` on is not taken. kNotFound if there is none of that name.
  Result<void> end_enrolment(const std::string& name, UtcTime until);

  /// Where to say, one line each and once, what the site's people should know: who was enrolled by
  /// itself, what was upgraded. What came up before is said at once; without a listener it waits.
  void on_notice(std::function<void(const std::string&)> notice);

  /// Whether that private half is (still) here; no opening, not audited.
  bool has_private_key(BytesView public_key) const;

  /// A code that only who holds the site key can make, for statements that are kept where others
  /// can write: HKDF-SHA-256 of the site key, salt SHA-256(message), info `label`.
  Result<Digest> authenticate(BytesView label, BytesView message) const;

  /// Appends to the audit trail and syncs it; fills in number, time and account. kCorrupt if the
  /// trail was edited, cut, rewritten or taken away; then nothing may be opened.
  Result<void> audit(v1::AuditRecord record);
  /// The whole trail, checked likewise.
  Result<std::vector<v1::AuditRecord>> read_audit() const;
  /// Sets a damaged trail aside, deleting nothing, and begins another whose first record says so.
  /// Returns what was wrong; kInvalidArgument if nothing is.
  Result<std::string> accept_damaged_audit(const std::string& subject);

  /// Drops what a reader holds when it is not used (internal/sweeper.h). Only CaseKeys calls this.
  void watch(std::weak_ptr<internal::Sweepable> what);

  const std::filesystem::path& dir() const;

 private:
  friend class CaseKeys;
  friend class Keyring;
  /// The private half for `public_key`: for keys that an Opening stands for, and nobody else.
  Result<seal::BoxKeyPair> private_key(BytesView public_key);
  /// The same without a look whether it is that key's own half: for what opens only if it is.
  Result<seal::Secret> private_half(BytesView public_key) const;

  Keystore();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::keyring
