#include "tools/store/bus_watch.h"

#include <cstdio>

namespace casebox::tools {

namespace fs = std::filesystem;

BusWatch::BusWatch(bus::Subscriber& from, const std::vector<std::string>& topics,
                   std::set<fs::path> may_be_absent)
    : logs_(dynamic_cast<bus::LogSubscriber*>(&from)),
      topics_(topics.begin(), topics.end()),
      may_be_absent_(std::move(may_be_absent)) {}

bool BusWatch::never_came(const fs::path& dir) const {
  std::error_code ec;
  return may_be_absent_.count(dir) == 0 && !fs::exists(dir, ec);
}

void BusWatch::say() {
  if (logs_ == nullptr) return;
  for (const std::string& line : logs_->take_notices())
    std::fprintf(stderr, "casebox: %s\n", line.c_str());
  for (const fs::path& dir : logs_->absent())
    if (never_came(dir) && said_.insert(dir).second)
      std::fprintf(stderr, "casebox: %s: no such folder yet; waiting for it\n", dir.c_str());
}

Result<void> BusWatch::all_came() const {
  if (logs_ == nullptr) return ok();
  for (const fs::path& dir : logs_->absent())
    if (never_came(dir))
      return Error{Code::kNotFound,
                   dir.string() + ": no such folder, so nothing was read from it; see --logs"};
  return ok();
}

Result<void> BusWatch::caught_up(storage::Store& store) {
  CASEBOX_TRY(const auto offsets, store.shard(0).offsets());
  std::set<std::string> read = topics_;
  if (logs_ != nullptr)
    for (std::string& name : logs_->found()) read.insert(std::move(name));
  bool all = true;
  for (const auto& [source, next] : offsets) {
    if (read.count(source) > 0) continue;
    all = false;
    if (!store.notices().empty() && unread_.insert(source).second)
      std::fprintf(stderr,
                   "casebox: what the store lost may lie in %s, which is not read here: it is said "
                   "to be lost until that was read\n",
                   source.c_str());
  }
  return all ? store.refilled() : ok();
}

}  // namespace casebox::tools
