#include "proto/keyring/kept_key.h"

#include <algorithm>
#include <utility>

namespace casebox::keyring {

// What is sealed: a random nonce, ciphertext and tag.

Result<KeptKey> KeptKey::of(const seal::Secret& private_half) {
  CASEBOX_TRY(const seal::Secret key, seal::hkdf(private_half, {}, "casebox.kept.v2"));
  CASEBOX_TRY(seal::Aead aead, seal::Aead::create(key));
  return KeptKey(std::move(aead));
}

Result<Bytes> KeptKey::seal(BytesView plain, BytesView about) {
  seal::Nonce nonce;
  seal::random_bytes(nonce.data(), nonce.size());
  Bytes out(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  CASEBOX_CHECK(aead_.seal(nonce, about, plain, out));
  return out;
}

Result<Bytes> KeptKey::open(BytesView sealed, BytesView about) {
  seal::Nonce nonce;
  if (sealed.size() < nonce.size()) return Error{Code::kCorrupt, "a kept copy was cut"};
  std::copy_n(sealed.data(), nonce.size(), reinterpret_cast<char*>(nonce.data()));
  Bytes out;
  CASEBOX_CHECK(aead_.open(nonce, about, sealed.substr(nonce.size()), out));
  return out;
}

}  // namespace casebox::keyring
