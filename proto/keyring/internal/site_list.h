#pragma once

// The trust list as a keystore keeps it (docs/formats/trust.md):
//
//   trust.list           the signed list
//   signing/site.seed    the site's Ed25519 seed, which signs it, wrapped by the site key
//   state                the highest serial this keystore has had, and whether it has a counted
//                        audit trail, under a MAC
//
// A change writes the list, then the state: after a crash between the two the list is one ahead,
// which is no harm. A list behind the state was put back from an older copy, a list or seed that is
// not there was taken away: both are kCorrupt, and nothing is made in their place.
//
// Thread safety: const calls from any thread; calls that change need the folder's lock.
// Errors: kNotFound before the list was first made.

#include <filesystem>
#include <functional>
#include <string>

#include "casebox/v1/keystore.pb.h"
#include "proto/base/time.h"
#include "proto/keyring/internal/folder.h"
#include "proto/seal/seal.h"
#include "proto/trust/trust.h"

namespace casebox::keyring::internal {

class SiteList {
 public:
  /// `site_key` outlives this.
  SiteList(std::filesystem::path dir, const seal::Secret& site_key)
      : dir_(std::move(dir)), site_key_(&site_key) {}

  /// The list, its signature and serial checked.
  Result<trust::TrustList> read() const;
  /// Its bytes, checked likewise.
  Result<Bytes> read_signed() const;

  /// Makes seed, state and list of a keystore that has none, with `producers`; goes on where a
  /// crash left it. Nothing to do if all is there.
  Result<void> make(const std::vector<v1::TrustedProducer>& producers, UtcTime now);
  /// Lets `edit` change the list and signs it anew, unless `edit` returns false.
  Result<void> change(UtcTime now, const std::function<Result<bool>(v1::TrustList&)>& edit);
  /// Puts right a state that a crash left behind the list.
  Result<void> catch_up();
  /// Whether there is anything to catch up on; needs no lock.
  bool behind() const;

  /// Whether the keystore has a counted audit trail; kNotFound, as all else, before there was a
  /// list.
  Result<bool> audit_counted() const;
  Result<void> set_audit_counted();

 private:
  std::filesystem::path list_path() const { return dir_ / "trust.list"; }
  std::filesystem::path seed_path() const { return dir_ / "signing" / "site.seed"; }
  std::filesystem::path state_path() const { return dir_ / "state"; }
  Result<v1::KeystoreState> read_state() const;
  Result<void> write_state(const v1::KeystoreState& state);
  Result<seal::SigningKey> signing_key() const;
  Result<void> write(v1::TrustList list, UtcTime now, const seal::SigningKey& key);

  std::filesystem::path dir_;
  const seal::Secret* site_key_;
};

}  // namespace casebox::keyring::internal
