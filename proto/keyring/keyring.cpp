#include "proto/keyring/keyring.h"

#include <utility>

#include "proto/base/parallel.h"

namespace casebox::keyring {
namespace {

Error no_keystore(CaseId case_id) {
  return {Code::kNotFound,
          "case " + to_string(case_id) + ": there is no keystore here; give one to read content"};
}

}  // namespace

const char* to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::kIndex: return "index";
    case Purpose::kAnalysis: return "analysis";
    case Purpose::kView: return "view";
    case Purpose::kExport: return "export";
    case Purpose::kReport: return "report";
    case Purpose::kRecover: return "recover";
  }
  return "unknown";
}

Result<CaseKeys> Keyring::open(CaseId case_id, Purpose purpose,
                               const std::vector<v1::EpochRecord>& epochs,
                               BytesView case_public_key) {
  if (keystore_ == nullptr) return no_keystore(case_id);
  v1::AuditRecord record;
  record.add_case_ids(Bytes(case_id.view()));
  record.set_purpose(to_string(purpose));
  record.set_subject(subject_);
  record.set_allowed(keystore_->has_private_key(case_public_key));
  if (!record.allowed()) record.set_reason("no-private-key");
  CASEBOX_CHECK(keystore_->audit(record));
  return CaseKeys::open_epochs(*keystore_, case_id, case_public_key, epochs);
}

Result<std::vector<std::optional<CaseKeys>>> Keyring::open_cohort(
    const std::vector<CohortCase>& cases, Purpose purpose) {
  std::vector<std::optional<CaseKeys>> out(cases.size());
  if (keystore_ == nullptr || cases.empty()) return out;
  v1::AuditRecord record;
  for (const CohortCase& one : cases) record.add_case_ids(Bytes(one.case_id.view()));
  record.set_purpose(to_string(purpose));
  record.set_subject(subject_);
  record.set_allowed(true);
  CASEBOX_CHECK(keystore_->audit(record));
  for_each_index(cases.size(), [&](size_t i) {
    if (!keystore_->has_private_key(cases[i].case_public_key)) return;
    auto keys = CaseKeys::open_epochs(*keystore_, cases[i].case_id, cases[i].case_public_key,
                                      cases[i].epochs);
    if (keys) out[i].emplace(std::move(*keys));
  });
  return out;
}

}  // namespace casebox::keyring
