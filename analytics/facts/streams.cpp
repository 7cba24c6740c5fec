#include "analytics/facts/streams.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "proto/base/ids.h"
#include "proto/base/time.h"
#include "proto/frame/role.h"

namespace casebox::analytics::facts {

std::vector<StreamFact> stream_facts(const v1::CaseRecord& record) {
  std::set<uint64_t> own;
  for (const v1::EpochRecord& epoch : record.epochs())
    if (frame::owns_case(epoch.role())) own.insert(epoch.epoch());
  std::map<std::pair<bool, std::string>, StreamFact> by_name;
  for (const v1::StreamRecord& row : record.streams()) {
    if (row.stream().stream_id() == kControlStream.value) continue;
    const bool derived = !own.contains(row.epoch());
    StreamFact& sum = by_name[{derived, row.stream().name()}];
    sum.stream = row.stream();
    sum.derived = derived;
    sum.items += row.items();
    sum.missing += row.missing();
    sum.gap_frames += row.gap_frames();
    sum.unknown_gaps += row.unknown_gaps();
    sum.frames += row.frames();
    sum.bytes += row.bytes();
    if (row.frames() == 0) continue;
    const double first = seconds_of(row.first_t_ns()), last = seconds_of(row.last_t_ns());
    sum.first_t_s = std::min(sum.first_t_s.value_or(first), first);
    sum.last_t_s = std::max(sum.last_t_s.value_or(last), last);
  }
  std::vector<StreamFact> out;
  for (auto& [name, sum] : by_name) out.push_back(std::move(sum));
  return out;
}

}  // namespace casebox::analytics::facts
