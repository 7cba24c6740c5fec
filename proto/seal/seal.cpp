#include "proto/seal/seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace casebox::seal {
namespace {

Error internal(const char* what) {
  return {Code::kInternal, std::string("cryptographic library: ") + what + " failed"};
}

const uint8_t* u8(BytesView bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

/// libsodium needs one call before all others; without it nothing may be sealed.
void need_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();
}

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using PublicKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

// Fetched once: an implicit fetch at each use costs more than hashing a small frame.
const EVP_MD* sha256_method() {
  static EVP_MD* method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}
const EVP_CIPHER* gcm_method() {
  static EVP_CIPHER* method = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return method;
}

// Only a library without memory can fail here, and a wrong digest must never be used.
void must(int ok) {
  if (ok != 1) std::abort();
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    other.wipe();
  }
  return *this;
}

Secret Secret::random() {
  std::array<uint8_t, 32> bytes;
  random_bytes(bytes.data(), bytes.size());
  Secret secret(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return secret;
}

Result<Secret> Secret::from_bytes(BytesView bytes) {
  if (bytes.size() != 32)
    return Error{Code::kCorrupt,
                 "a secret of " + std::to_string(bytes.size()) + " bytes where 32 are needed"};
  Secret secret;
  std::copy_n(bytes.data(), 32, reinterpret_cast<char*>(secret.bytes_.data()));
  return secret;
}

void Secret::wipe() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

LockedSecret::LockedSecret() {
  need_sodium();
  void* page = sodium_malloc(sizeof(Secret));
  must(page != nullptr);
  secret_ = new (page) Secret;
  locked_ = sodium_mlock(secret_, sizeof(Secret)) == 0;
}

LockedSecret::~LockedSecret() {
  secret_->~Secret();
  sodium_free(secret_);  // wipes and unlocks
}

void wipe(void* bytes, size_t size) { OPENSSL_cleanse(bytes, size); }

struct Sha256::Impl {
  DigestContext context{EVP_MD_CTX_new()};
  Impl() { begin(); }
  void begin() { must(EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr)); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(BytesView bytes) {
  must(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()));
}

Digest Sha256::finish() {
  Digest digest;
  must(EVP_DigestFinal_ex(impl_->context.get(), digest.data(), nullptr));
  impl_->begin();
  return digest;
}

Digest sha256(BytesView bytes) { return sha256({bytes}); }

Digest sha256(std::initializer_list<BytesView> pieces) {
  thread_local Sha256 context;
  for (BytesView piece : pieces) context.update(piece);
  return context.finish();
}

Result<Secret> hkdf(const Secret& secret, BytesView salt, BytesView info) {
  static EVP_KDF* method = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  std::unique_ptr<EVP_KDF_CTX, Deleter<EVP_KDF_CTX_free>> context(EVP_KDF_CTX_new(method));
  if (!context) return internal("HKDF");
  char name[] = "SHA256";
  OSSL_PARAM params[5];
  OSSL_PARAM* p = params;
  *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
                                           const_cast<uint8_t*>(secret.bytes().data()), 32);
  if (!salt.empty())
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<char*>(salt.data()),
                                             salt.size());
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()),
                                           info.size());
  *p = OSSL_PARAM_construct_end();
  std::array<uint8_t, 32> out;
  if (EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1) return internal("HKDF");
  Secret derived(out);
  OPENSSL_cleanse(out.data(), out.size());
  return derived;
}

// Over OpenSSL's SHA-256, which uses the processor's instructions: trails are long.
Digest hmac(const Secret& key, std::initializer_list<BytesView> pieces) {
  thread_local Sha256 context;
  std::array<char, 64> pad;  // the block of SHA-256
  const auto key_with = [&](char mask) {
    pad.fill(mask);
    for (size_t i = 0; i < key.bytes().size(); ++i)
      pad[i] = static_cast<char>(pad[i] ^ static_cast<char>(key.bytes()[i]));
    context.update({pad.data(), pad.size()});
  };
  key_with(0x36);
  for (BytesView piece : pieces) context.update(piece);
  const Digest inner = context.finish();
  key_with(0x5c);
  context.update(view(inner));
  OPENSSL_cleanse(pad.data(), pad.size());
  return context.finish();
}

bool equal_in_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Aead::Impl {
  CipherContext seal{EVP_CIPHER_CTX_new()};
  CipherContext open{EVP_CIPHER_CTX_new()};
};

Aead::Aead() : impl_(std::make_unique<Impl>()) {}
Aead::~Aead() = default;
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;

Result<Aead> Aead::create(const Secret& key) {
  Aead aead;
  // The key schedule is set here once; each frame changes only the nonce.
  if (EVP_EncryptInit_ex2(aead.impl_->seal.get(), gcm_method(), key.bytes().data(), nullptr,
                          nullptr) != 1 ||
      EVP_DecryptInit_ex2(aead.impl_->open.get(), gcm_method(), key.bytes().data(), nullptr,
                          nullptr) != 1)
    return internal("AES-256-GCM set-up");
  return aead;
}

Result<void> Aead::seal(const Nonce& nonce, BytesView aad, BytesView plain, Bytes& out) {
  EVP_CIPHER_CTX* c = impl_->seal.get();
  const size_t at = out.size();
  out.resize(at + plain.size() + kTagSize);
  auto* to = reinterpret_cast<uint8_t*>(out.data()) + at;
  int n = 0, last = 0;
  const bool sealed =
      EVP_EncryptInit_ex2(c, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(c, nullptr, &n, u8(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_EncryptUpdate(c, to, &n, u8(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(c, to + n, &last) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, kTagSize, to + plain.size()) == 1;
  if (sealed) return ok();
  out.resize(at);
  return internal("AES-256-GCM sealing");
}

Result<void> Aead::open(const Nonce& nonce, BytesView aad, BytesView sealed, Bytes& out) {
  if (sealed.size() < kTagSize) return Error{Code::kCorrupt, "sealed body is shorter than its tag"};
  EVP_CIPHER_CTX* c = impl_->open.get();
  const size_t size = sealed.size() - kTagSize, at = out.size();
  out.resize(at + size);
  auto* to = reinterpret_cast<uint8_t*>(out.data()) + at;
  int n = 0, last = 0;
  const bool whole =
      EVP_DecryptInit_ex2(c, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
      EVP_DecryptUpdate(c, nullptr, &n, u8(aad), static_cast<int>(aad.size())) == 1 &&
      EVP_DecryptUpdate(c, to, &n, u8(sealed), static_cast<int>(size)) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, kTagSize,
                          const_cast<char*>(sealed.data() + size)) == 1 &&
      EVP_DecryptFinal_ex(c, to + n, &last) == 1;
  if (whole) return ok();
  out.resize(at);
  return Error{Code::kCorrupt,
               "seal does not hold: the body or its header was changed, or the key "
               "is not the one that sealed it"};
}

SigningKey SigningKey::generate() {
  const Secret seed = Secret::random();
  return std::move(from_seed(seed.view())).value();
}

Result<SigningKey> SigningKey::from_seed(BytesView seed32) {
  need_sodium();
  SigningKey key;
  CASEBOX_TRY(key.seed_, Secret::from_bytes(seed32));
  std::array<uint8_t, crypto_sign_SECRETKEYBYTES> secret;
  crypto_sign_seed_keypair(key.public_.data(), secret.data(), key.seed_.bytes().data());
  OPENSSL_cleanse(secret.data(), secret.size());
  return key;
}

Signature SigningKey::sign(BytesView message) const {
  std::array<uint8_t, crypto_sign_SECRETKEYBYTES> secret;
  std::array<uint8_t, 32> public_key;
  crypto_sign_seed_keypair(public_key.data(), secret.data(), seed_.bytes().data());
  Signature signature;
  crypto_sign_detached(signature.data(), nullptr, u8(message), message.size(), secret.data());
  OPENSSL_cleanse(secret.data(), secret.size());
  return signature;
}

bool can_sign(BytesView public_key) {
  // The encodings of the points whose order divides eight, as y; the sign's bit is not looked at.
  static constexpr const char* kWeak[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  if (public_key.size() != 32) return false;
  Bytes y(public_key);
  y.back() = static_cast<char>(y.back() & 0x7f);
  const std::string hex = to_hex(y);
  return std::ranges::find(kWeak, hex) == std::ranges::end(kWeak);
}

bool verify_signature(BytesView public_key, BytesView message, BytesView signature) {
  if (public_key.size() != 32 || signature.size() != 64) return false;
  need_sodium();
  if (crypto_sign_verify_detached(u8(signature), u8(message), message.size(), u8(public_key)) != 0)
    return false;
  PublicKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, u8(public_key), 32));
  DigestContext context(EVP_MD_CTX_new());
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), u8(signature), 64, u8(message), message.size()) == 1;
}

BoxKeyPair BoxKeyPair::generate() {
  BoxKeyPair pair;
  pair.private_key = Secret::random();
  pair.public_key = std::move(box_public_key(pair.private_key)).value();
  return pair;
}

Result<std::array<uint8_t, 32>> box_public_key(const Secret& private_key) {
  need_sodium();
  std::array<uint8_t, 32> public_key;
  if (crypto_scalarmult_base(public_key.data(), private_key.bytes().data()) != 0)
    return internal("X25519");
  return public_key;
}

Result<Bytes> seal_to(const std::array<uint8_t, 32>& public_key, BytesView plain) {
  need_sodium();
  Bytes out(plain.size() + crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal(reinterpret_cast<uint8_t*>(out.data()), u8(plain), plain.size(),
                      public_key.data()) != 0)
    return internal("sealed box");
  return out;
}

Result<Bytes> open_sealed(const BoxKeyPair& keys, BytesView sealed) {
  need_sodium();
  const Error bad{Code::kCorrupt,
                  "sealed box does not open: it was changed, or is for another key"};
  if (sealed.size() < crypto_box_SEALBYTES) return bad;
  Bytes out(sealed.size() - crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal_open(reinterpret_cast<uint8_t*>(out.data()), u8(sealed), sealed.size(),
                           keys.public_key.data(), keys.private_key.bytes().data()) != 0)
    return bad;
  return out;
}

Result<Bytes> wrap_key(const Secret& wrapping, const Secret& key) {
  static EVP_CIPHER* method = EVP_CIPHER_fetch(nullptr, "AES-256-WRAP-PAD", nullptr);
  CipherContext c(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(c.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  uint8_t out[64];
  int n = 0, last = 0;
  if (EVP_EncryptInit_ex2(c.get(), method, wrapping.bytes().data(), nullptr, nullptr) != 1 ||
      EVP_EncryptUpdate(c.get(), out, &n, key.bytes().data(), 32) != 1 ||
      EVP_EncryptFinal_ex(c.get(), out + n, &last) != 1)
    return internal("AES-256-KWP");
  return Bytes(reinterpret_cast<char*>(out), static_cast<size_t>(n + last));
}

Result<Secret> unwrap_key(const Secret& wrapping, BytesView wrapped) {
  const Error bad{Code::kCorrupt,
                  "wrapped key does not open: it was changed, or is under another site key"};
  if (wrapped.size() != 40) return bad;
  static EVP_CIPHER* method = EVP_CIPHER_fetch(nullptr, "AES-256-WRAP-PAD", nullptr);
  CipherContext c(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(c.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  std::array<uint8_t, 64> out{};
  int n = 0, last = 0;
  if (EVP_DecryptInit_ex2(c.get(), method, wrapping.bytes().data(), nullptr, nullptr) != 1 ||
      EVP_DecryptUpdate(c.get(), out.data(), &n, u8(wrapped), 40) != 1 ||
      EVP_DecryptFinal_ex(c.get(), out.data() + n, &last) != 1 || n + last != 32)
    return bad;
  auto secret = Secret::from_bytes({reinterpret_cast<char*>(out.data()), 32});
  OPENSSL_cleanse(out.data(), out.size());
  return secret;
}

void random_bytes(void* out, size_t size) {
  need_sodium();
  randombytes_buf(out, size);
}

}  // namespace casebox::seal
