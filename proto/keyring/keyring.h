#pragma once

// The one door to content: keys that open a case's frames, for an Opening that the gate made
// (gate.h) and for nothing else.
//
// Thread safety: Keyring may be shared; a CaseKeys belongs to one thread.
// Lifetime: the keystore outlives the Keyring and all CaseKeys that it opened.
// Errors: kRefused when the gate says no, kNotFound when no private key is there: frames can still
// be stored, verified, counted and forwarded.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/frame/frame.h"
#include "proto/keyring/gate.h"
#include "proto/keyring/kept_key.h"
#include "proto/keyring/keystore.h"
#include "proto/seal/seal.h"

namespace casebox::keyring {

/// Keys derived from one epoch's secret. The producer has one of its own; readers get theirs
/// through a Keyring. Deriving is cached per stream and period.
class EpochKeys {
 public:
  EpochKeys(Epoch epoch, seal::Secret secret);
  ~EpochKeys();
  EpochKeys(EpochKeys&&) noexcept;
  EpochKeys& operator=(EpochKeys&&) noexcept;

  /// The secret of a period that disclosure hands over; `commitment` and the AES key come from it.
  Result<seal::Secret> period_secret(StreamId stream, KeyPeriod period) const;
  Result<seal::Aead*> aead(StreamId stream, KeyPeriod period);
  /// The key of what stream and case frames do not show (sealed_names.h).
  Result<seal::Aead*> names_aead();
  Epoch epoch() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a key frame says of a period: HKDF-SHA-256 of the disclosed secret under `salt`.
Result<Digest> commitment(const seal::Secret& period_secret, BytesView salt);
/// The AES-256-GCM key of a disclosed period secret.
Result<seal::Secret> period_key(const seal::Secret& period_secret);

/// Opens sealed frames of one case. Its secrets stay in memory while they are used: after a second
/// without use they are wiped, and fetched through the keystore when next needed, under the opening
/// that was audited. Four times a second a reader that goes on asks whether the case's private key
/// is still there: where it was destroyed, nothing more is opened.
class CaseKeys {
 public:
  ~CaseKeys();
  CaseKeys(CaseKeys&&) noexcept;

  bool has(Epoch epoch) const;

  /// Body of a data frame, opened if sealed, unpacked: the protobuf message's bytes. Gap and
  /// stream-0 bodies are plain and come back as they are. kDenied without a key for the epoch,
  /// kCorrupt when the seal does not hold, kNotFound once the case's private key was destroyed.
  Result<Bytes> open(const frame::View& frame);
  /// Puts the sealed names of a stream of `epoch` back in their places; ok when it has none.
  /// Errors as open(); the stream is then as it was, with its tokens.
  Result<void> open_names(v1::Stream& stream, Epoch epoch);
  /// The same for the settings in a case frame.
  Result<void> open_config(v1::CaseFrame& frame, Epoch epoch);

  /// For what a reader derived of the case and keeps outside the record. kNotFound once the case's
  /// private key was destroyed.
  Result<KeptKey> kept_key();

 private:
  friend class Keyring;
  struct Impl;
  explicit CaseKeys(CaseId case_id);
  /// Opens what it can of `epochs`; an error only if that is nothing.
  static Result<CaseKeys> open_epochs(Keystore& keystore, const Opening& opening,
                                      const std::vector<v1::EpochRecord>& epochs);

  std::shared_ptr<Impl> impl_;
};

class Keyring {
 public:
  /// `keystore` may be null: then every opening is kNotFound, and nothing sealed can be read.
  /// `who`: without one, the owner of a single-user machine.
  Keyring(Keystore* keystore, std::string subject, access::Reader who = {})
      : keystore_(keystore), gate_(keystore, std::move(subject), std::move(who)) {}
  /// The same of a program that goes on while it may change who reads.
  Keyring(Keystore* keystore, std::string subject, Gate::Who who)
      : keystore_(keystore), gate_(keystore, std::move(subject), std::move(who)) {}

  Gate& gate() { return gate_; }
  const Gate& gate() const { return gate_; }

  /// The keys of the epochs of the case that was opened.
  Result<CaseKeys> keys(const Opening& opening, const std::vector<v1::EpochRecord>& epochs) const;
  /// The key of kept copies of the case that was opened. May be asked by several threads.
  Result<KeptKey> kept_key(const Opening& opening) const;
  bool available() const { return keystore_ != nullptr; }

 private:
  Keystore* keystore_;
  Gate gate_;
};

}  // namespace casebox::keyring
