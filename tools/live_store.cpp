#include "tools/live_store.h"

#include <pthread.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tools/close_jobs.h"

namespace casebox::tools {
namespace {

// Between two looks at the logs. Each look costs a few file opens.
constexpr auto kPause = std::chrono::milliseconds(500);

}  // namespace

struct LiveStore::Impl {
  StoreAccess* access = nullptr;
  std::vector<std::filesystem::path> logs;
  mutable std::mutex mutex;
  std::condition_variable_any wake;
  State state;
  std::unique_ptr<CloseJobs> jobs;
  bool caught_up = false;
  std::jthread thread;  // last: stops before the others go

  Result<bool> run_jobs(const std::vector<CaseId>& closed) {
    if (access->keystore() == nullptr) return false;  // nothing can be read
    for (CaseId id : closed) jobs->add(id);
    if (!caught_up) CASEBOX_CHECK(jobs->catch_up());
    caught_up = true;
    return jobs->step();
  }

  /// Takes in what the logs hold, then runs one case's jobs. True: a case waits, or findings came.
  Result<bool> step() {
    CASEBOX_TRY(const Drained drained, access->drain(logs));
    const Result<bool> ran = run_jobs(drained.closed);
    std::lock_guard guard(mutex);
    state.frames += drained.frames;
    state.analysed = jobs->state().analysed;
    state.failed = jobs->state().failed;
    return ran;
  }

  void run(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "live-store");
    while (!stop.stop_requested()) {
      const Result<bool> done = step();
      const std::string trouble = done ? "" : done.error().message;
      std::unique_lock lock(mutex);
      if (trouble != state.trouble && !trouble.empty())
        std::fprintf(stderr, "casebox: %s\n", trouble.c_str());
      state.trouble = trouble;
      if (done && *done) continue;
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
  impl->jobs = std::make_unique<CloseJobs>(access);
  impl->thread = std::jthread([impl](std::stop_token stop) { impl->run(stop); });
  return live;
}

LiveStore::State LiveStore::state() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->state;
}

}  // namespace casebox::tools
