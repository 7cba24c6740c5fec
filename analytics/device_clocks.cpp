#include "analytics/device_clocks.h"

#include <map>

namespace casebox::analytics {

std::vector<DeviceClock> device_clocks(const std::vector<storage::ClockAt>& records) {
  std::map<uint32_t, uint32_t> replaced;
  for (const storage::ClockAt& at : records)
    for (const v1::SourceClock& source : at.record.sources())
      if (source.replaced_by() != 0) replaced[source.clock_id()] = source.replaced_by();
  const auto newest = [&](uint32_t id) {
    // A damaged record may lead in a circle.
    for (size_t hops = 0; hops <= replaced.size(); ++hops) {
      const auto it = replaced.find(id);
      if (it == replaced.end()) break;
      id = it->second;
    }
    return id;
  };
  std::map<uint32_t, DeviceClock> clocks;
  std::map<uint32_t, bool> said_reset;
  for (const storage::ClockAt& at : records) {
    for (const v1::SourceClock& source : at.record.sources()) {
      DeviceClock& clock = clocks[newest(source.clock_id())];
      clock.clock_id = newest(source.clock_id());
      const bool newly_broken = source.broken() && !clock.broken;
      // A recorder may repeat the word for as long as it holds.
      const bool newly_set = source.reset() && !said_reset[source.clock_id()];
      if (newly_broken || (newly_set && !clock.said_by)) clock.said_by = at.source;
      clock.broken = clock.broken || source.broken();
      clock.sets += newly_set;
      said_reset[source.clock_id()] = source.reset();
    }
  }
  std::vector<DeviceClock> out;
  for (auto& [id, clock] : clocks) out.push_back(clock);
  return out;
}

}  // namespace casebox::analytics
