#include "tools/findings/close_jobs.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "proto/base/guard.h"
#include "proto/log/log.h"
#include "storage/verify/operations.h"
#include "tools/findings/analysis.h"

namespace casebox::tools {
namespace {

// Between two tries of what may pass by itself.
constexpr auto kPause = std::chrono::seconds(1);

bool whole_run_of(const v1::CaseRecord& record) {
  return std::ranges::any_of(record.epochs(), [](const v1::EpochRecord& epoch) {
    return epoch.role() == v1::PRODUCER_ROLE_ANALYSIS && epoch.closed() &&
           epoch.close().reason() == v1::CloseFrame::REASON_CASE_ENDED;
  });
}

/// Cases whose jobs were run to the end according to the analysis log. With a broker the store
/// hears of them only when they come back.
Result<std::set<CaseId>> written_to(const std::filesystem::path& dir) {
  std::set<CaseId> out;
  if (!log::is_log(dir)) return out;
  CASEBOX_TRY(auto reader, log::Reader::open(dir));
  while (true) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (!entry) return out;
    if (entry->preamble || entry->frame.header.kind != frame::Kind::kCase) continue;
    v1::CaseControl control;
    const BytesView body = entry->frame.body;
    if (!control.ParseFromArray(body.data(), static_cast<int>(body.size()))) continue;
    if (control.has_close() && control.close().reason() == v1::CloseFrame::REASON_CASE_ENDED)
      out.insert(entry->case_id);
  }
}

/// What another try may mend by itself.
bool passes(Code code) {
  return code == Code::kUnavailable || code == Code::kNoSpace || code == Code::kIo;
}

/// Closed cases without a whole run, by start.
Result<std::vector<CaseId>> never_run(StoreAccess& access) {
  CASEBOX_TRY(auto records, storage::proven_operations(access.store()));
  std::erase_if(records, [](const v1::CaseRecord& record) {
    return record.state() != v1::CASE_STATE_CLOSED || whole_run_of(record);
  });
  std::vector<CaseId> out;
  if (records.empty()) return out;
  std::ranges::sort(records, {}, &v1::CaseRecord::start_utc_ns);
  CASEBOX_TRY(const auto written, written_to(access.log_dir("analysis")));
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    if (!written.contains(id)) out.push_back(id);
  }
  return out;
}

/// One line for each thing that failed; true if anything did.
bool say_failures(CaseId id, const Result<Analysis>& done) {
  if (!done && done.error().code == Code::kRefused) {
    std::fprintf(stderr, "casebox: case %s is not analysed: %s\n", to_string(id).c_str(),
                 done.error().message.c_str());
    return false;
  }
  if (!done) {
    std::fprintf(stderr,
                 "casebox: case %s: its jobs could not be run (%s); casebox analyze --case\n",
                 to_string(id).c_str(), to_string(done.error().code));
    return true;
  }
  for (const auto& [job, code] : done->failed)
    std::fprintf(stderr,
                 "casebox: case %s: job %s failed (%s); casebox analyze %s --case says why\n",
                 to_string(id).c_str(), job.c_str(), to_string(code), job.c_str());
  return !done->failed.empty();
}

}  // namespace

struct CloseJobs::Impl {
  std::unique_ptr<StoreAccess> access;  // the thread's, once it runs
  mutable std::mutex mutex;             // guards queue and state
  std::condition_variable_any wake;
  std::deque<CaseId> queue;  // the case at hand is its first
  bool look = true;          // for what closed while nobody looked
  bool looking = false;
  State state;
  std::jthread thread;  // last: stops before the others go

  Result<Analysis> analyze(CaseId id) {
    return guarded("the jobs of a case", [&]() -> Result<Analysis> {
      CASEBOX_CHECK(access->store().refresh());
      return analyze_closed(*access, id);
    });
  }

  Result<std::vector<CaseId>> look_again() {
    return guarded("the list of cases", [&]() -> Result<std::vector<CaseId>> {
      CASEBOX_CHECK(access->store().refresh());
      return never_run(*access);
    });
  }

  void add(CaseId id) {
    // The case at hand may be read already: it is run once more, which writes only what changed.
    if (queue.empty() || std::find(queue.begin() + 1, queue.end(), id) == queue.end())
      queue.push_back(id);
  }

  /// Says once what is being waited out, and waits.
  void wait_out(std::unique_lock<std::mutex>& lock, const std::stop_token& stop,
                const std::string& trouble) {
    if (state.trouble != trouble) std::fprintf(stderr, "casebox: %s; waiting\n", trouble.c_str());
    state.trouble = trouble;
    wake.wait_for(lock, stop, kPause, [] { return false; });
  }

  void run(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "close-jobs");
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, stop, [&] { return look || !queue.empty(); });
      if (stop.stop_requested()) return;
      if (std::exchange(look, false)) {
        looking = true;
        lock.unlock();
        const auto found = look_again();
        lock.lock();
        looking = false;
        if (found) {
          for (CaseId id : *found)
            if (std::ranges::find(queue, id) == queue.end()) queue.push_back(id);
        } else {
          look = true;
          wait_out(lock, stop, found.error().message);
        }
        continue;
      }
      const CaseId id = queue.front();
      lock.unlock();
      const Result<Analysis> done = analyze(id);
      const bool passing = !done && passes(done.error().code);
      const bool failed = !passing && say_failures(id, done);
      lock.lock();
      if (passing) {
        wait_out(lock, stop, done.error().message);
        continue;
      }
      queue.pop_front();
      state.trouble.clear();
      state.analysed += done ? 1 : 0;
      state.failed += failed ? 1 : 0;
    }
  }
};

CloseJobs::CloseJobs() : impl_(std::make_unique<Impl>()) {}
CloseJobs::~CloseJobs() = default;

Result<std::unique_ptr<CloseJobs>> CloseJobs::start(const StoreAccess& writer) {
  StoreOptions how = writer.options();
  how.write = how.create = false;
  how.produce = true;
  how.claim = {.role = {}, .purpose = {}, .machine = true};
  std::unique_ptr<CloseJobs> jobs(new CloseJobs);
  Impl* impl = jobs->impl_.get();
  CASEBOX_TRY(impl->access, StoreAccess::open(how));
  if (impl->access->keystore() == nullptr)
    return Error{Code::kNotFound,
                 how.keys.string() + ": no keystore, so no case can be read; name it with --keys"};
  impl->thread = std::jthread([impl](std::stop_token stop) { impl->run(stop); });
  return jobs;
}

void CloseJobs::add(CaseId id) {
  std::lock_guard guard(impl_->mutex);
  impl_->add(id);
  impl_->wake.notify_all();
}

void CloseJobs::look_again() {
  std::lock_guard guard(impl_->mutex);
  impl_->look = true;
  impl_->wake.notify_all();
}

bool CloseJobs::busy() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->look || impl_->looking || !impl_->queue.empty();
}

CloseJobs::State CloseJobs::state() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->state;
}

void CloseJobs::stop() {
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace casebox::tools
