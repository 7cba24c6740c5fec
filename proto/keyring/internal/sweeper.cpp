#include "proto/keyring/internal/sweeper.h"

#include <chrono>

namespace casebox::keyring::internal {
namespace {

constexpr std::chrono::milliseconds kSweepEvery{250};

}  // namespace

Sweeper::Sweeper() : thread_([this] { run(); }) {}

Sweeper::~Sweeper() {
  {
    std::lock_guard guard(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Sweeper::watch(std::weak_ptr<Sweepable> what) {
  std::lock_guard guard(mutex_);
  watched_.push_back(std::move(what));
  if (watched_.size() == 1) changed_.notify_all();  // it waits for the first only
}

void Sweeper::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait(lock, [this] { return stop_ || !watched_.empty(); });
    if (changed_.wait_for(lock, kSweepEvery, [this] { return stop_; })) return;
    auto round = std::exchange(watched_, {});
    lock.unlock();
    std::erase_if(round, [](const auto& one) {
      const auto there = one.lock();
      return !there || !there->sweep();
    });
    lock.lock();
    watched_.insert(watched_.end(), round.begin(), round.end());
  }
}

}  // namespace casebox::keyring::internal
