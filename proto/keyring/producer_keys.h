#pragma once

// What a program that makes records needs of keys: one to sign with, and a public key for each
// case. A keystore gives both at the site (keystore.h), a kit gives them to a recorder that cannot
// read (kit.h).
//
// Thread safety: safe from several threads.
// Errors: kNotFound when no case key is or ever was there, kDenied for a signing key that is not
// this place's to give.

#include <array>
#include <cstddef>
#include <string>

#include "proto/base/result.h"
#include "proto/seal/seal.h"

namespace casebox::keyring {

/// A public key taken from the stock for a new case.
struct CaseKey {
  std::array<uint8_t, 32> public_key{};
  /// The stock was empty: the last one is used again, and the case frame says so.
  bool reused = false;
  size_t left = 0;  // keys still in stock; recorders warn below kFewCaseKeys
};

constexpr size_t kFewCaseKeys = 20;

class ProducerKeys {
 public:
  virtual ~ProducerKeys() = default;

  /// Takes a one-time public key for a new case.
  virtual Result<CaseKey> take_case_key() = 0;
  /// The signing key of a role ("recorder", "import", "analysis", "custody").
  virtual Result<seal::SigningKey> signing_key(const std::string& role) = 0;
  /// What to do when the stock runs low, for people.
  virtual std::string how_to_refill() const = 0;
};

}  // namespace casebox::keyring
