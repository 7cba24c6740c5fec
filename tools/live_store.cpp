#include "tools/live_store.h"

#include <pthread.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <set>
#include <thread>

#include "tools/analysis.h"

namespace casebox::tools {
namespace {

// Between two looks at the logs. Each look costs a few file opens.
constexpr auto kPause = std::chrono::milliseconds(500);

bool derived_epoch_of(const v1::CaseRecord& record, v1::ProducerRole role) {
  for (const v1::EpochRecord& epoch : record.epochs())
    if (epoch.role() == role) return true;
  return false;
}

}  // namespace

struct LiveStore::Impl {
  StoreAccess* access = nullptr;
  std::vector<std::filesystem::path> logs;
  mutable std::mutex mutex;
  std::condition_variable_any wake;
  State state;
  std::set<CaseId>
      tried;            // cases whose analysis failed in this run: said once, not retried for ever
  std::jthread thread;  // last: stops before the others go

  Result<void> step() {
    CASEBOX_TRY(const Drained drained, access->drain(logs));
    {
      std::lock_guard guard(mutex);
      state.frames += drained.frames;
    }
    CASEBOX_TRY(const auto records, access->store().cases());
    for (const v1::CaseRecord& record : records) {
      if (record.state() != v1::CASE_STATE_CLOSED) continue;
      if (derived_epoch_of(record, v1::PRODUCER_ROLE_ANALYSIS)) continue;
      CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
      if (!tried.insert(id).second) continue;
      CASEBOX_CHECK(analyze_case(*access, id, {}));
      std::lock_guard guard(mutex);
      ++state.analysed;
    }
    return ok();
  }

  void run(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "live-store");
    while (!stop.stop_requested()) {
      const Result<void> done = step();
      const std::string trouble = done ? "" : done.error().message;
      std::unique_lock lock(mutex);
      if (trouble != state.trouble && !trouble.empty())
        std::fprintf(stderr, "casebox: %s\n", trouble.c_str());
      state.trouble = trouble;
      wake.wait_for(lock, stop, kPause, [] { return false; });
    }
  }
};

LiveStore::LiveStore() : impl_(std::make_unique<Impl>()) {}
LiveStore::~LiveStore() = default;

std::unique_ptr<LiveStore> LiveStore::start(StoreAccess& access,
                                            std::vector<std::filesystem::path> logs) {
  std::unique_ptr<LiveStore> live(new LiveStore);
  Impl* impl = live->impl_.get();
  impl->access = &access;
  impl->logs = std::move(logs);
  impl->thread = std::jthread([impl](std::stop_token stop) { impl->run(stop); });
  return live;
}

LiveStore::State LiveStore::state() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->state;
}

}  // namespace casebox::tools
