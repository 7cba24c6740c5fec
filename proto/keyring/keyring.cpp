#include "proto/keyring/keyring.h"

#include <map>
#include <utility>

namespace casebox::keyring {
namespace {

Error no_keystore(CaseId case_id) {
  return {Code::kNotFound,
          "case " + to_string(case_id) + ": there is no keystore here; give one to read content"};
}

/// What the sealed box of a case frame holds: the epoch's secret, checked to be this case's and
/// epoch's.
Result<EpochKeys> open_epoch(const seal::BoxKeyPair& pair, CaseId case_id, Epoch epoch,
                             BytesView sealed) {
  const std::string where = "case " + to_string(case_id) + ": key of epoch " + to_string(epoch);
  auto plain = seal::open_sealed(pair, sealed);
  if (!plain) return annotate(std::move(plain).error(), where);
  v1::EpochSecret secret;
  const bool parsed = secret.ParseFromString(*plain);
  if (!parsed || secret.case_id() != case_id.view() || secret.epoch() != epoch.value)
    return Error{Code::kCorrupt, where + ": belongs to another case or epoch"};
  CASEBOX_TRY(seal::Secret bytes, seal::Secret::from_bytes(secret.secret()));
  return EpochKeys(epoch, std::move(bytes));
}

/// An epoch whose key does not open leaves its frames closed; the others are read.
Result<CaseKeys> open_epochs(const seal::BoxKeyPair& pair, CaseId case_id,
                             const std::vector<v1::EpochRecord>& epochs) {
  CaseKeys keys(case_id);
  std::optional<Error> first;
  size_t opened = 0;
  for (const v1::EpochRecord& record : epochs) {
    if (record.sealed_epoch_key().empty()) continue;
    const Epoch epoch{record.epoch()};
    auto one = open_epoch(pair, case_id, epoch, record.sealed_epoch_key());
    if (!one) {
      if (!first) first = std::move(one).error();
      continue;
    }
    keys.add(std::move(*one), epoch);
    ++opened;
  }
  if (opened == 0 && first) return *std::move(first);
  return keys;
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
  auto pair = keystore_->private_key(case_public_key);
  if (!pair) return annotate(std::move(pair).error(), "case " + to_string(case_id));
  return open_epochs(*pair, case_id, epochs);
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
  for (size_t i = 0; i < cases.size(); ++i) {
    auto pair = keystore_->private_key(cases[i].case_public_key);
    if (!pair) {
      if (pair.error().code == Code::kNotFound) continue;
      return std::move(pair).error();
    }
    auto keys = open_epochs(*pair, cases[i].case_id, cases[i].epochs);
    if (keys) out[i].emplace(std::move(*keys));
  }
  return out;
}

Result<void> Keyring::add_epoch(CaseKeys& keys, CaseId case_id, const v1::CaseFrame& open,
                                Epoch epoch) {
  if (keystore_ == nullptr) return no_keystore(case_id);
  CASEBOX_TRY(auto pair, keystore_->private_key(open.case_public_key()));
  CASEBOX_TRY(EpochKeys one, open_epoch(pair, case_id, epoch, open.sealed_epoch_key()));
  keys.add(std::move(one), epoch);
  return ok();
}

}  // namespace casebox::keyring
