#include "tools/store/kept_verdicts.h"

#include "proto/seal/seal.h"
#include "storage/found.h"

namespace casebox::tools {
namespace {

/// What a verdict is about and what it says, in one canonical text.
Bytes statement(const Digest& trusted, const v1::CaseRecord& record, const v1::KeptVerdict& kept) {
  const Digest row = seal::sha256(record.SerializeAsString());
  char at[8];
  store_le(at, kept.at_utc_ns());
  Bytes out(record.case_id());
  out += view(row);
  out += view(trusted);
  out.append(at, sizeof at);
  return out + kept.verdict();
}

std::optional<verify::Verdict> parse_verdict(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(verify::Verdict::kTampered); ++i)
    if (name == verify::to_string(static_cast<verify::Verdict>(i)))
      return static_cast<verify::Verdict>(i);
  return std::nullopt;
}

constexpr BytesView kLabel = "casebox.verdict.v2";
/// The first form was bound to the whole trust list.
constexpr BytesView kFirstLabel = "casebox.verdict.v1";

Digest whole(const trust::TrustList* list) {
  return list ? seal::sha256(list->message().SerializeAsString()) : Digest{};
}

}  // namespace

Digest trusted(const trust::TrustList* list, const v1::CaseRecord& record) {
  if (list == nullptr) return {};
  seal::Sha256 sum;
  sum.update(list->message().site_key());
  for (const v1::EpochRecord& epoch : record.epochs()) {
    const v1::TrustedProducer* signer = list->find(epoch.signing_key());
    // Digests, so that no two lists of signers run together to the same bytes.
    sum.update(view(seal::sha256(epoch.signing_key())));
    sum.update(view(signer ? seal::sha256(signer->SerializeAsString()) : Digest{}));
  }
  return sum.finish();
}

std::optional<KeptVerdict> said_verdict(BytesView bytes) {
  v1::KeptVerdict kept;
  if (bytes.empty() || !kept.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return std::nullopt;
  const auto verdict = parse_verdict(kept.verdict());
  if (!verdict) return std::nullopt;
  return KeptVerdict{*verdict, UtcTime{static_cast<int64_t>(kept.at_utc_ns())}};
}

Result<std::optional<KeptVerdict>> kept_verdict(StoreAccess& access, const storage::CaseRow& row,
                                                const trust::TrustList* list) {
  const std::optional<KeptVerdict> none;
  const auto said = said_verdict(row.verdict);
  if (access.keystore() == nullptr || !said) return none;
  v1::KeptVerdict kept;
  (void)kept.ParseFromString(row.verdict);
  const keyring::Keystore& keystore = *access.keystore();
  CASEBOX_TRY(const Digest now, keystore.authenticate(kLabel, statement(trusted(list, row.record),
                                                                        row.record, kept)));
  if (kept.authentication() == view(now)) return said;
  CASEBOX_TRY(const Digest first,
              keystore.authenticate(kFirstLabel, statement(whole(list), row.record, kept)));
  return kept.authentication() == view(first) ? said : none;
}

Result<void> keep_verdicts(StoreAccess& access, const std::vector<CaseId>& cases) {
  if (access.keystore() == nullptr) return ok();
  CASEBOX_TRY(const auto list, access.trust_if_any());
  for (const CaseId id : cases) {
    CASEBOX_TRY(const auto record, access.store().find_case(id));
    if (!record || record->state() == v1::CASE_STATE_OPEN) continue;
    CASEBOX_TRY(const auto report, access.verify(id, storage::Depth::kLeaves));
    v1::KeptVerdict kept;
    kept.set_verdict(verify::to_string(report.verdict));
    kept.set_at_utc_ns(static_cast<uint64_t>(access.clock().utc().ns));
    const Bytes said = statement(trusted(address(list), *record), *record, kept);
    CASEBOX_TRY(const Digest authentication, access.keystore()->authenticate(kLabel, said));
    kept.set_authentication(Bytes(view(authentication)));
    auto& shard = access.store().shard(record->partition());
    auto batch = shard.begin();
    batch.put_verdict(id, kept.SerializeAsString());
    CASEBOX_CHECK(shard.commit(std::move(batch)));
  }
  return ok();
}

Result<KeptVerdict> verdict_of(StoreAccess& access, const storage::CaseRow& row,
                               const trust::TrustList* list) {
  CASEBOX_TRY(const auto kept, kept_verdict(access, row, list));
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(row.record.case_id()));
  KeptVerdict out;
  // A store that lost something, or whose ledger is not what it was, is asked anew.
  if (kept && access.store().notices().empty()) {
    out = *kept;
  } else {
    CASEBOX_TRY(const auto report, access.verify(id, storage::Depth::kLeaves));
    out = KeptVerdict{report.verdict, access.clock().utc()};
  }
  out.verdict = storage::with_found(access.options().store, id, out.verdict);
  return out;
}

}  // namespace casebox::tools
