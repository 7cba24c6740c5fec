#include "storage/verify/operations.h"

#include "storage/found.h"
#include "storage/verify/verified_case.h"

namespace casebox::storage {

Result<bool> is_proven_study(const Store& store, const v1::CaseRecord& record) {
  if (is_operation(record)) return false;
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  const auto verified = verify_case(store, id, {}, Depth::kLeaves);
  if (!verified && verified.error().code != Code::kCorrupt) return verified.error();
  // Listed as an operation, it must not stand there under a verdict that the store kept of it.
  const auto found = verified ? verified->report.verdict : verify::Verdict::kDamaged;
  if (!verify::may_be_shown(found)) keep_found(store.dir(), id, found);
  // What is damaged may be what it says; what contradicts its signatures may be anything.
  return verified && !is_operation(verified->record) &&
         (verify::may_be_shown(verified->report.verdict) ||
          verified->report.verdict == verify::Verdict::kDamaged);
}

Result<std::vector<v1::CaseRecord>> proven_operations(const Store& store) {
  CASEBOX_TRY(const auto all, store.cases());
  std::vector<v1::CaseRecord> out;
  for (const v1::CaseRecord& record : all) {
    CASEBOX_TRY(const bool study, is_proven_study(store, record));
    if (study) continue;
    out.push_back(record);
    out.back().set_kind(v1::CASE_KIND_OPERATION);
  }
  return out;
}

}  // namespace casebox::storage
