#include "recorder/internal/heartbeat.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace casebox::recorder::internal {
namespace {

constexpr Duration kEvery = milliseconds(20);
constexpr Duration kLeast = milliseconds(100);  // a mark is never taken to be later than that

}  // namespace

Heartbeat::Heartbeat(const std::filesystem::path& dir, Epoch epoch, Pace pace,
                     const std::array<uint8_t, 16>& boot, Clock& clock)
    : clock_(clock) {
  auto alive = log::Alive::open(dir);
  if (!alive) return;
  thread_ = std::thread([this, opened = std::move(*alive), epoch, pace, boot]() mutable {
    run(std::move(opened), epoch, pace, boot);
  });
  pthread_setname_np(thread_.native_handle(), "heartbeat");
}

Heartbeat::~Heartbeat() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// How late it has been itself, under the load that there is, is how late the next mark may be:
// twice the longest step so far.
void Heartbeat::run(log::Alive alive, Epoch epoch, Pace pace, std::array<uint8_t, 16> boot) {
  const auto case_time = [&](MonoTime at) {
    return CaseTime{static_cast<int64_t>(static_cast<double>((at - pace.zero).ns) * pace.speed)};
  };
  Duration longest;
  MonoTime last = clock_.mono();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const MonoTime now = clock_.mono();
    longest = std::max(longest, now - last);
    last = now;
    const Duration due = std::max(kLeast, longest + longest);
    auto ignored = alive.mark({epoch, case_time(now), case_time(now + due), boot});
    wake_.wait_for(lock, std::chrono::nanoseconds(kEvery.ns), [&] { return stopping_; });
  }
}

}  // namespace casebox::recorder::internal
