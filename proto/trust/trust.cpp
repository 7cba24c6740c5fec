#include "proto/trust/trust.h"

#include <set>

#include "proto/frame/role.h"

namespace casebox::trust {
namespace {

Bytes message_of(BytesView list) {
  Bytes message("casebox.trust.v1");
  message.push_back('\0');
  message += list;
  return message;
}

Error corrupt(const std::string& what) {
  return {Code::kCorrupt,
          "trust list: " + what + "; get it again from the site (casebox keys trust)"};
}

/// Whether an epoch of `open` is one that a producer enrolled in `role` makes. A study is the
/// record of an analysis (docs/adr/065); imports made before they had a role of their own called
/// themselves recorders and named their source's digest.
bool in_role(v1::ProducerRole role, const v1::CaseFrame& open) {
  if (role == open.role()) return true;
  if (open.role() != v1::PRODUCER_ROLE_RECORDER) return false;
  return (role == v1::PRODUCER_ROLE_ANALYSIS && open.kind() == v1::CASE_KIND_STUDY) ||
         (role == v1::PRODUCER_ROLE_IMPORT && !open.source_digest().empty());
}

}  // namespace

Result<TrustList> TrustList::parse(BytesView signed_list,
                                   const std::optional<PublicKey>& site_key) {
  if (signed_list.size() > kMaxListBytes) return corrupt("larger than a list can be");
  v1::SignedTrustList outer;
  TrustList out;
  if (!outer.ParseFromArray(signed_list.data(), static_cast<int>(signed_list.size())) ||
      !out.list_.ParseFromString(outer.list()))
    return corrupt("these bytes are none");
  if (out.list_.site_key().size() != 32) return corrupt("it names no site key");
  if (site_key && out.list_.site_key() != view(*site_key))
    return corrupt("it is signed by another site's key");
  if (!seal::verify_signature(out.list_.site_key(), message_of(outer.list()), outer.signature()))
    return corrupt("its signature does not hold");
  std::set<std::string> keys;
  for (const v1::TrustedProducer& one : out.list_.producers()) {
    if (one.key().size() != 32) return corrupt("the key of a producer is not 32 bytes");
    if (!frame::is_known(one.role())) return corrupt("a producer has no role that is known");
    if (!keys.insert(one.key()).second) return corrupt("a key stands in it twice");
  }
  return out;
}

Bytes TrustList::sign(v1::TrustList list, const seal::SigningKey& site_key) {
  list.set_site_key(Bytes(view(site_key.public_key())));
  v1::SignedTrustList outer;
  *outer.mutable_list() = list.SerializeAsString();
  const seal::Signature signature = site_key.sign(message_of(outer.list()));
  outer.set_signature(signature.data(), signature.size());
  return outer.SerializeAsString();
}

const v1::TrustedProducer* TrustList::find(BytesView signing_key) const {
  for (const v1::TrustedProducer& one : list_.producers())
    if (one.key() == signing_key) return &one;
  return nullptr;
}

std::string TrustList::refusal(const v1::CaseFrame& open, const std::optional<UtcTime>& now) const {
  if (!frame::is_known(open.role())) return "unknown-role";
  const v1::TrustedProducer* known = find(open.signing_key());
  if (known == nullptr) return "not-enrolled";
  if (!in_role(known->role(), open)) return "role-not-enrolled";
  if (!known->room().empty() && open.role() == v1::PRODUCER_ROLE_RECORDER &&
      known->room() != open.room())
    return "room-not-enrolled";
  const auto at = now ? static_cast<uint64_t>(now->ns) : 0;
  if (now &&
      (at < known->from_utc_ns() || (known->until_utc_ns() != 0 && at >= known->until_utc_ns())))
    return "enrolment-over";
  return "";
}

}  // namespace casebox::trust
