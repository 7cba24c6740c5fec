#pragma once

// The few cryptographic operations the protocol needs, each one call into OpenSSL or libsodium.
//
// Sources: AES-256-GCM (NIST SP 800-38D), HKDF-SHA-256 (RFC 5869), Ed25519 (RFC 8032), sealed boxes
// (libsodium crypto_box_seal: X25519, XSalsa20-Poly1305), SHA-256 (FIPS 180-4).
// Thread safety: free functions may be called from any thread; an object by one thread at a time.
// Errors: a failed library call is kInternal; a failed authentication is kCorrupt.

#include <array>
#include <cstdint>
#include <memory>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::seal {

constexpr size_t kTagSize = 16;
constexpr size_t kNonceSize = 12;

using Nonce = std::array<uint8_t, kNonceSize>;
using Signature = std::array<uint8_t, 64>;

/// 32 secret bytes, wiped when they go. Copy only by `clone`, so that copies are seen in review.
class Secret {
 public:
  Secret() = default;
  explicit Secret(const std::array<uint8_t, 32>& bytes) : bytes_(bytes) {}
  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  static Secret random();
  static Result<Secret> from_bytes(BytesView bytes);
  Secret clone() const { return Secret(bytes_); }
  const std::array<uint8_t, 32>& bytes() const { return bytes_; }
  BytesView view() const { return casebox::view(bytes_); }
  void wipe();

 private:
  friend class LockedSecret;
  std::array<uint8_t, 32> bytes_{};
};

/// A secret that stays long: in a page of its own between guard pages, locked into memory as far as
/// the system lets us, left out of core dumps, wiped when it goes.
class LockedSecret {
 public:
  /// Zeros, to be filled at `data()`, so that there is no other copy on the way.
  LockedSecret();
  ~LockedSecret();
  LockedSecret(const LockedSecret&) = delete;
  LockedSecret& operator=(const LockedSecret&) = delete;

  uint8_t* data() { return secret_->bytes_.data(); }
  const Secret& operator*() const { return *secret_; }
  /// False: the limit of locked memory is too small, and the page may reach the swap.
  bool locked() const { return locked_; }

 private:
  Secret* secret_;
  bool locked_;
};

/// Zeros that the compiler may not leave out.
void wipe(void* bytes, size_t size);
inline void wipe(Bytes& bytes) { wipe(bytes.data(), bytes.size()); }

/// SHA-256 of one or several pieces. Contexts are kept per thread: a fresh one costs four times as
/// much.
Digest sha256(BytesView bytes);
Digest sha256(std::initializer_list<BytesView> pieces);

/// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(BytesView bytes);
  /// Ends the digest and starts a new one.
  Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// HKDF-SHA-256, 32 bytes out. `info` separates the uses of one secret.
Result<Secret> hkdf(const Secret& secret, BytesView salt, BytesView info);

/// HMAC-SHA-256 (RFC 2104) of the pieces one after another.
Digest hmac(const Secret& key, std::initializer_list<BytesView> pieces);
/// Compares without telling by its time where the two differ.
bool equal_in_constant_time(BytesView a, BytesView b);

/// AES-256-GCM under one key; reuse it, re-keying costs more than a small frame.
class Aead {
 public:
  static Result<Aead> create(const Secret& key);
  ~Aead();
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;

  /// Appends ciphertext and tag to `out`.
  Result<void> seal(const Nonce& nonce, BytesView aad, BytesView plain, Bytes& out);
  /// Appends the plaintext to `out`; kCorrupt when the tag does not match.
  Result<void> open(const Nonce& nonce, BytesView aad, BytesView sealed, Bytes& out);

 private:
  Aead();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// An Ed25519 key pair; the private half is wiped when it goes.
class SigningKey {
 public:
  static SigningKey generate();
  static Result<SigningKey> from_seed(BytesView seed32);

  const std::array<uint8_t, 32>& public_key() const { return public_; }
  BytesView seed() const { return seed_.view(); }
  Signature sign(BytesView message) const;

 private:
  SigningKey() = default;
  Secret seed_;
  std::array<uint8_t, 32> public_{};
};

/// Whether only its owner can sign under `public_key`: 32 bytes, and no point of an order up to
/// eight, under which anybody can (RFC 8032, section 8; the encodings that libsodium refuses).
bool can_sign(BytesView public_key);

/// True only if OpenSSL and libsodium both accept: the two disagree on edge vectors, and a court
/// must not see two answers.
bool verify_signature(BytesView public_key, BytesView message, BytesView signature);

/// An X25519 key pair for sealed boxes.
struct BoxKeyPair {
  std::array<uint8_t, 32> public_key{};
  Secret private_key;
  static BoxKeyPair generate();
};

/// Anyone with the public key can seal; only the private key opens.
Result<Bytes> seal_to(const std::array<uint8_t, 32>& public_key, BytesView plain);
Result<Bytes> open_sealed(const BoxKeyPair& keys, BytesView sealed);

/// The public half of an X25519 private key.
Result<std::array<uint8_t, 32>> box_public_key(const Secret& private_key);

/// AES-256-KWP (RFC 5649): a 32-byte key under a wrapping key, 40 bytes out.
Result<Bytes> wrap_key(const Secret& wrapping, const Secret& key);
/// kCorrupt when the wrapping key or the bytes are not the ones.
Result<Secret> unwrap_key(const Secret& wrapping, BytesView wrapped);

/// Cryptographically random bytes.
void random_bytes(void* out, size_t size);

}  // namespace casebox::seal
