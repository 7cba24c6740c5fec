#pragma once

// The site's trust list: which keys may say what. Ingest takes an epoch only from a producer on it,
// in its role; a verifier names for each signer whether it is on the list
// (docs/formats/trust.md).
//
// Thread safety: a value; const calls from any thread.
// Errors: kCorrupt for bytes that are no list or whose signature does not hold.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/trust.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/seal/seal.h"

namespace casebox::trust {

using PublicKey = std::array<uint8_t, 32>;

/// A list is at most this large; thousands of producers fit.
constexpr size_t kMaxListBytes = 4u << 20;

class TrustList {
 public:
  /// Nobody is trusted.
  TrustList() = default;

  /// Reads a signed list and checks its signature. `site_key`: the key it must be signed with,
  /// where the caller knows it; without, the list vouches for itself and a caller must say so.
  static Result<TrustList> parse(BytesView signed_list,
                                 const std::optional<PublicKey>& site_key = {});
  /// Signs `list` with the site's key; fills in `site_key`.
  static Bytes sign(v1::TrustList list, const seal::SigningKey& site_key);

  const v1::TrustList& message() const { return list_; }
  bool empty() const { return list_.producers().empty(); }

  /// The producer with this signing key, or null.
  const v1::TrustedProducer* find(BytesView signing_key) const;

  /// Whether the producer that opens an epoch with `open` may: its key is listed, in this role, for
  /// this room, at `now`. Empty if so, else one of the codes "not-enrolled", "role-not-enrolled",
  /// "room-not-enrolled", "enrolment-over", "unknown-role".
  std::string refusal(const v1::CaseFrame& open, const std::optional<UtcTime>& now = {}) const;

 private:
  v1::TrustList list_;
};

}  // namespace casebox::trust
