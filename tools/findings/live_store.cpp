#include "tools/findings/live_store.h"

#include <pthread.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "proto/base/guard.h"
#include "tools/findings/close_jobs.h"

namespace casebox::tools {
namespace {

// Between two looks at the logs. Each look costs a few file opens.
constexpr auto kLivePause = std::chrono::milliseconds(500);

}  // namespace

struct LiveStore::Impl {
  StoreAccess* access = nullptr;
  std::vector<std::filesystem::path> logs;
  mutable std::mutex mutex;
  std::condition_variable_any wake;
  State state;
  std::unique_ptr<CloseJobs> jobs;  // none yet, or none without keys
  std::jthread thread;              // last: stops before the others go

  /// Takes in what the logs hold, and says which cases ended.
  Result<void> step() {
    const Result<Drained> done = access->drain(logs);
    if (!done) {
      if (jobs) jobs->look_again();  // some may have closed before it failed
      return done.error();
    }
    const Drained& drained = *done;
    if (!jobs && access->keystore() != nullptr) {
      CASEBOX_TRY(jobs, CloseJobs::start(*access));
    } else if (jobs) {
      for (CaseId id : drained.closed) jobs->add(id);
    }
    std::lock_guard guard(mutex);
    state.frames += drained.frames;
    if (!jobs) return ok();
    state.analysed = jobs->state().analysed;
    state.failed = jobs->state().failed;
    return ok();
  }

  void run(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "live-store");
    while (!stop.stop_requested()) {
      const Result<void> done = guarded("reading the logs", [&] { return step(); });
      const std::string trouble = done ? "" : done.error().message;
      std::unique_lock lock(mutex);
      if (trouble != state.trouble && !trouble.empty())
        std::fprintf(stderr, "casebox: %s\n", trouble.c_str());
      state.trouble = trouble;
      wake.wait_for(lock, stop, kLivePause, [] { return false; });
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
