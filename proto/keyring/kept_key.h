#pragma once

// The key of what a reader derived of a case and keeps outside the record
// (tools/store/kept_facts.h). It comes from the case's private key alone: whoever destroys that
// closes the copies with the case. One read of a small file and no curve arithmetic, so that
// thousands can be had for one question.
//
// Thread safety: one thread at a time. Errors: kNotFound without the private key, kCorrupt for what
// was not sealed so.

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/seal/seal.h"

namespace casebox::keyring {

class KeptKey {
 public:
  /// `about` is bound to what is sealed and not hidden.
  Result<Bytes> seal(BytesView plain, BytesView about);
  /// The inverse. kCorrupt for what was not sealed so under the same `about`.
  Result<Bytes> open(BytesView sealed, BytesView about);

 private:
  friend class Keyring;
  friend class CaseKeys;
  explicit KeptKey(seal::Aead aead) : aead_(std::move(aead)) {}
  static Result<KeptKey> of(const seal::Secret& private_half);

  seal::Aead aead_;
};

}  // namespace casebox::keyring
