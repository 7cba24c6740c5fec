// What of a store may be read by whom: asked of the gate, and said.

#include <cstdio>
#include <utility>

#include "storage/case_record.h"
#include "tools/cli/json.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

bool of_a_person(keyring::Purpose purpose) {
  return purpose != keyring::Purpose::kFind && purpose != keyring::Purpose::kIndex;
}

}  // namespace

Result<std::unique_ptr<storage::CaseReader>> StoreAccess::read_content(CaseId id,
                                                                       keyring::Purpose purpose) {
  CASEBOX_TRY(auto reader, read_case(id, purpose));
  if (const auto readable = reader->readable();
      !readable && readable.error().code == Code::kRefused)
    return readable.error();
  return reader;
}

Result<std::vector<std::string>> StoreAccess::refusals_of(
    const std::vector<const v1::CaseRecord*>& records, keyring::Purpose purpose) {
  std::vector<std::string> out(records.size());
  if (keystore_ == nullptr) return out;
  std::vector<keyring::Gate::Asked> left_out;
  std::optional<access::Consent> before;  // most cases have the same
  std::string why;
  bool read[2] = {false, false};  // without consent, with
  for (size_t i = 0; i < records.size(); ++i) {
    const v1::CaseRecord& record = *records[i];
    if (!storage::is_operation(record)) continue;
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    access::Consent consent = access::consent_of(record);
    if (!storage::tells_consent(record)) {
      // Of the older form; where it cannot be read, nothing else can.
      const auto reader = read_case(id, keyring::Purpose::kFind);
      if (!reader || !(*reader)->readable()) continue;
      consent = (*reader)->consent();
    } else if (!storage::row_tells_consent(record)) {
      CASEBOX_TRY(const auto reader, read_accounting(id));
      consent = reader->consent();
    }
    if (!before || !(*before == consent)) why = keyring_->gate().verdict(purpose, consent).why;
    before = consent;
    out[i] = why;
    if (why.empty()) {
      if (!std::exchange(read[consent.stated], true)) say_reading(purpose, consent.stated);
      continue;
    }
    left_out.push_back({id, consent, record.case_public_key()});
  }
  CASEBOX_CHECK(keyring_->gate().left_out(left_out, purpose));
  return out;
}

Result<std::vector<std::string>> StoreAccess::refusals(std::span<const v1::CaseRecord> records,
                                                       keyring::Purpose purpose) {
  std::vector<const v1::CaseRecord*> all;
  for (const v1::CaseRecord& record : records) all.push_back(&record);
  return refusals_of(all, purpose);
}

Result<std::vector<std::string>> StoreAccess::refusals(std::span<const storage::CaseRow> rows,
                                                       keyring::Purpose purpose) {
  std::vector<const v1::CaseRecord*> all;
  for (const storage::CaseRow& row : rows) all.push_back(&row.record);
  return refusals_of(all, purpose);
}

Result<std::vector<std::string>> StoreAccess::refusals(const std::vector<CaseId>& cases,
                                                       keyring::Purpose purpose) {
  std::vector<v1::CaseRecord> records;
  for (const CaseId id : cases) {
    CASEBOX_TRY(auto record, store_->find_case(id));
    if (record) records.push_back(std::move(*record));
  }
  return refusals(std::span<const v1::CaseRecord>(records), purpose);
}

Result<void> StoreAccess::still_open(CaseId id, keyring::Purpose purpose,
                                     const access::Consent& then) {
  CASEBOX_CHECK(store_->refresh());
  CASEBOX_TRY(const auto record, store_->find_case(id));
  if (!record || !storage::is_operation(*record)) return ok();
  const bool same = !storage::tells_consent(*record) || access::consent_of(*record) == then;
  if (same && keyring_->gate().verdict(purpose, then).why.empty()) return ok();
  CASEBOX_TRY(const auto why, refusals(std::span(&*record, 1), purpose));
  return why.front().empty() ? ok() : keyring::refused(why.front());
}

Result<void> StoreAccess::trail_holds() const {
  if (keystore_ == nullptr) return ok();
  const auto trail = keystore_->read_audit();
  return trail ? ok() : Result<void>(trail.error());
}

void StoreAccess::say_reading(keyring::Purpose purpose, bool consent_stated) {
  const access::Reader who = keyring_->gate().who();
  if (!of_a_person(purpose) || who.role == access::Role::kMachine) return;
  const bool owner = who.role == access::Role::kOwner;
  if (owner && !std::exchange(said_owner_, true))
    std::fprintf(stderr,
                 "note: this is the owner's reading; no access.yaml beside the keys says "
                 "who else may read what\n");
  if (!consent_stated && !std::exchange(said_basis_, true))
    std::fprintf(stderr, "note: a case without recorded consent is read on the %s legal basis\n",
                 owner ? "owner's own" : "site's");
  const std::string of_use = access::to_string(who.purpose);
  set_access({{"role", access::to_string(who.role)},
              {"purpose", of_use.empty() ? Json(nullptr) : Json(of_use)},
              {"without_consent", said_basis_}});
}

}  // namespace casebox::tools
