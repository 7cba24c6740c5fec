#include "storage/verify/verified_case.h"

#include <algorithm>

#include "storage/verify/internal/rebuild.h"

namespace casebox::storage {

const Proof* ProvenStream::holding(ItemNumber number) const {
  const auto after = std::ranges::upper_bound(frames, number, {}, &Proof::first);
  if (after == frames.begin()) return nullptr;
  const Proof& at = *std::prev(after);
  return number.value < at.next() ? &at : nullptr;
}

Result<VerifiedCase> verify_case(const Store& store, CaseId id, const verify::Options& options,
                                 Depth depth) {
  const Shard* shard = store.shard_of(id);
  if (shard == nullptr)
    return Error{Code::kNotFound, "case " + to_string(id) + " is not in " + store.dir().string()};
  return internal::Rebuild(*shard, id, options, depth).run();
}

Result<std::vector<verify::Report>> verify_store(
    const Store& store, const verify::Options& options, Depth depth,
    const std::function<void(const verify::Report&, size_t, size_t)>& each) {
  CASEBOX_TRY(const auto records, store.cases());
  std::vector<verify::Report> reports;
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    CASEBOX_TRY(VerifiedCase verified, verify_case(store, id, options, depth));
    reports.push_back(std::move(verified.report));
    if (each) each(reports.back(), reports.size(), records.size());
  }
  return reports;
}

}  // namespace casebox::storage
