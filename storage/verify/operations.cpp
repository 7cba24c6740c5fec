#include "storage/verify/operations.h"

#include <algorithm>
#include <tuple>
#include <utility>

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
  CASEBOX_TRY(auto all, store.cases());
  std::vector<v1::CaseRecord> out;
  for (v1::CaseRecord& record : all) {
    CASEBOX_TRY(const bool study, is_proven_study(store, record));
    if (study) continue;
    record.set_kind(v1::CASE_KIND_OPERATION);
    out.push_back(std::move(record));
  }
  return out;
}

Result<std::vector<CaseRow>> proven_rows(const Store& store) {
  CASEBOX_TRY(auto all, store.case_rows());
  std::vector<CaseRow> out;
  out.reserve(all.size());
  for (CaseRow& row : all) {
    CASEBOX_TRY(const bool study, is_proven_study(store, row.record));
    if (study) continue;
    row.record.set_kind(v1::CASE_KIND_OPERATION);
    out.push_back(std::move(row));
  }
  sort_rows(out);
  return out;
}

void sort_rows(std::vector<CaseRow>& rows) {
  // Records are dear to swap: their places are sorted.
  std::vector<std::tuple<uint64_t, BytesView, size_t>> order;
  for (size_t i = 0; i < rows.size(); ++i)
    order.emplace_back(rows[i].record.start_utc_ns(), rows[i].record.case_id(), i);
  std::sort(order.begin(), order.end());
  std::vector<CaseRow> sorted(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) sorted[i] = std::move(rows[std::get<2>(order[i])]);
  rows = std::move(sorted);
}

}  // namespace casebox::storage
