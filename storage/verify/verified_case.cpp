#include "storage/verify/verified_case.h"

#include <algorithm>
#include <set>

#include "storage/verify/internal/rebuild.h"

namespace casebox::storage {

const Proof* ProvenStream::holding(ItemNumber number) const {
  const auto after = std::ranges::upper_bound(frames, number, {}, &Proof::first);
  if (after == frames.begin()) return nullptr;
  const Proof& at = *std::prev(after);
  return number.value < at.next() ? &at : nullptr;
}

verify::Weight weight_of(const Error& error) {
  return error.message.find("is not the frame that was proven") != std::string::npos
             ? verify::Weight::kTamper
             : verify::Weight::kDamage;
}

Result<VerifiedCase> verify_case(const Store& store, CaseId id, const verify::Options& options,
                                 Depth depth) {
  const Shard* shard = store.shard_of(id);
  if (shard == nullptr)
    return Error{Code::kNotFound, "case " + to_string(id) + " is not in " + store.dir().string()};
  return internal::Rebuild(*shard, id, options, depth).run();
}

Result<std::vector<CaseId>> lost_cases(const Store& store) {
  CASEBOX_TRY(const auto records, store.cases());
  std::set<CaseId> listed, lost;
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    listed.insert(id);
  }
  for (uint32_t i = 0; i < store.shards(); ++i) {
    const auto read = store.shard(i).for_each_ledger([&](const LedgerEntry& entry) {
      if (!listed.contains(entry.case_id)) lost.insert(entry.case_id);
      return ok();
    });
    // A damaged ledger is said of every case that is verified; what is whole of it counts here.
    if (!read && read.error().code != Code::kCorrupt) return read.error();
  }
  return std::vector<CaseId>(lost.begin(), lost.end());
}

verify::Report report_lost(CaseId id) {
  verify::Report report;
  report.case_id = id;
  report.blame({"ledger", "case " + to_string(id), "it was stored and the store lists it no more"},
               verify::Weight::kDamage);
  report.not_proven.push_back("what became of it: nothing of it is listed");
  return report;
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
  CASEBOX_TRY(const auto lost, lost_cases(store));
  for (const CaseId id : lost) {
    reports.push_back(report_lost(id));
    if (each) each(reports.back(), reports.size(), records.size() + lost.size());
  }
  return reports;
}

}  // namespace casebox::storage
