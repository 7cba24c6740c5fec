#pragma once

// A recorder's kit: all that a recorder has of keys. It can sign as this one recorder and seal to
// the site, and can read nothing (docs/formats/keystore.md):
//
//   kit.txt             whose it is: name, room, its public key, the site's public key
//   recorder.seed       its Ed25519 seed, 32 bytes, mode 0600; it exists here alone
//   stock/<public>.pub  one-time public keys; the private halves stay in the keystore
//   last.pub            the one taken last
//   trust.list          the site's trust list as it stood when the kit was made or refilled
//
// Thread safety: safe from several threads of one process and from several processes.
// Errors: kNotFound for a folder that is no kit, kCorrupt for one whose parts do not belong
// together, kDenied for a signing key of another role than recorder.

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "proto/keyring/keystore.h"
#include "proto/keyring/producer_keys.h"

namespace casebox::keyring {

struct KitOptions {
  std::string recorder;  // a code of a-z, 0-9 and '-': its name in the trust list
  std::string room;      // code of the one room it may speak for; empty: any
  size_t stock = 100;
};

class Kit final : public ProducerKeys {
 public:
  static bool is_kit(const std::filesystem::path& dir);
  static Result<std::unique_ptr<Kit>> open(const std::filesystem::path& dir);

  /// Makes a kit in `dir`, which must not be there, and enrols its key in `keystore`; or, if `dir`
  /// is this recorder's kit already, adds to its stock and renews its trust list. The folder
  /// appears whole or not at all. kAlreadyExists when the name is another key's.
  static Result<void> make(Keystore& keystore, const std::filesystem::path& dir,
                           const KitOptions& options);

  Result<CaseKey> take_case_key() override;
  Result<seal::SigningKey> signing_key(const std::string& role) override;
  std::string how_to_refill() const override;

  const std::string& recorder() const { return recorder_; }
  const std::string& room() const { return room_; }
  const trust::PublicKey& site_key() const { return site_key_; }
  const trust::PublicKey& public_key() const { return public_key_; }

  /// As Keystore::on_notice.
  void on_notice(const std::function<void(const std::string&)>& notice);

 private:
  Kit() = default;

  std::filesystem::path dir_;
  std::string recorder_, room_;
  trust::PublicKey public_key_{}, site_key_{};
  std::mutex mutex_;
  std::vector<std::string> untold_;
};

}  // namespace casebox::keyring
