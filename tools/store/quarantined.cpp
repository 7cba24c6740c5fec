#include "tools/store/quarantined.h"

#include <algorithm>
#include <map>

#include "ingest/ingest.h"

namespace casebox::tools {

Result<std::vector<storage::QuarantineCount>> quarantine_counts(const storage::Store& store,
                                                                std::optional<CaseId> id) {
  std::map<std::pair<std::string, std::string>, storage::QuarantineCount> sums;
  for (uint32_t i = 0; i < store.shards(); ++i) {
    CASEBOX_TRY(const auto counts, store.shard(i).quarantine_counts(id));
    for (const storage::QuarantineCount& count : counts) {
      auto [it, fresh] = sums.try_emplace({count.source, count.reason}, count);
      if (fresh) continue;
      storage::QuarantineCount& sum = it->second;
      sum.rows += count.rows;
      sum.bytes += count.bytes;
      if (count.beyond == 0) continue;
      sum.first_beyond =
          sum.beyond == 0 ? count.first_beyond : std::min(sum.first_beyond, count.first_beyond);
      sum.last_beyond = std::max(sum.last_beyond, count.last_beyond);
      sum.beyond += count.beyond;
    }
  }
  std::vector<storage::QuarantineCount> out;
  for (auto& [key, sum] : sums) out.push_back(std::move(sum));
  return out;
}

Result<uint64_t> quarantined_of(const storage::Store& store, CaseId id) {
  CASEBOX_TRY(const auto counts, quarantine_counts(store, id));
  uint64_t rows = 0;
  for (const storage::QuarantineCount& count : counts) rows += count.rows;
  return rows;
}

Result<std::string> quarantine_reason(const std::string& text) {
  const auto& all = ingest::quarantine_reasons();
  if (text.empty() || std::ranges::find(all, text) != all.end()) return text;
  std::string names;
  for (const std::string& one : all) names += (names.empty() ? "" : ", ") + one;
  return Error{Code::kInvalidArgument, "--reason: '" + text + "' is none; write one of " + names};
}

Result<CaseId> resolve_quarantined(StoreAccess& access, const std::string& text) {
  if (const auto id = parse_id<CaseId>(text)) return *id;
  return access.resolve_case(text, true);
}

}  // namespace casebox::tools
