#include "storage/reader/internal/opened.h"

#include <algorithm>

#include "storage/case_record.h"
#include "storage/store.h"

namespace casebox::storage::internal {

Result<void> Opened::learn(keyring::Keyring& keyring, const v1::CaseRecord& record, CaseId id,
                           const std::function<Result<std::vector<v1::Consent>>()>& older) {
  if (!is_operation(record)) {
    consent = {true, access::kEveryScope, {}};
    return ok();
  }
  consent = access::consent_of(record);
  if (tells_consent(record) || !keyring.available()) return ok();
  CASEBOX_CHECK(open(keyring, record, id, keyring::Purpose::kFind));
  auto said = older();
  keys.reset();
  if (!said) return std::move(said).error();
  consent = access::consent_of(*said, consent);
  return ok();
}

Result<void> Opened::open(keyring::Keyring& keyring, const v1::CaseRecord& record, CaseId id,
                          keyring::Purpose purpose) {
  std::vector<v1::EpochRecord> epochs;
  std::ranges::copy_if(record.epochs(), std::back_inserter(epochs),
                       [](const auto& epoch) { return !epoch.sealed_epoch_key().empty(); });
  CASEBOX_TRY(const auto opening,
              keyring.gate().open({id, consent, record.case_public_key()}, purpose));
  CASEBOX_TRY(auto opened, keyring.keys(opening, epochs));
  keys.emplace(std::move(opened));
  classes = opening.classes();
  return ok();
}

Result<void> Opened::may_read(CaseId id, const v1::Stream& entry) const {
  const access::StreamClass what = access::class_of(entry);
  if (!keys || what == access::StreamClass::kAccounting || classes.contains(what)) return ok();
  return keyring::refused("case " + to_string(id) + ": " + access::to_string(what) +
                          " is not open to this reader");
}

}  // namespace casebox::storage::internal
