#pragma once

// What of the sources that an ingest reads its people should know: logs that are other ones than
// before, folders that never came, and whether all was read from which a store was filled.
//
// Thread safety: the subscriber's thread. Lifetime: the subscriber outlives it.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "ingest/bus/log_bus.h"
#include "storage/store.h"

namespace casebox::tools {

class BusWatch {
 public:
  /// `topics`: the sources of a subscriber that does not read logs. `may_be_absent`: folders that
  /// nobody asked for.
  BusWatch(bus::Subscriber& from, const std::vector<std::string>& topics,
           std::set<std::filesystem::path> may_be_absent);

  /// Says on standard error, once each, what came up since the last call.
  void say();
  /// kNotFound for a folder that never came: nothing was read from it.
  Result<void> all_came() const;
  /// Everything was read to its end. What the store lost is taken for here again, or nowhere, only
  /// if that is all it was ever filled from; else it says what is not read here.
  Result<void> caught_up(storage::Store& store);

 private:
  bool never_came(const std::filesystem::path& dir) const;

  bus::LogSubscriber* logs_;  // null: topics
  std::set<std::string> topics_;
  std::set<std::filesystem::path> may_be_absent_, said_;
  std::set<std::string> unread_;
};

}  // namespace casebox::tools
