#pragma once

// Drops secrets that nobody uses. A thread looks every quarter of a second at what holds some, and
// sleeps while nothing does. It begins with the Sweeper, before there are secrets: a thread
// inherits its maker's registers, and would leave on its stack what a copy had just passed through
// them.
//
// Thread safety: safe from several threads. Lifetime: the thread ends with the Sweeper.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace casebox::keyring::internal {

class Sweepable {
 public:
  virtual ~Sweepable() = default;
  /// Called from the sweeper's thread each kSweepEvery; false when there is nothing left to drop.
  virtual bool sweep() = 0;
};

class Sweeper {
 public:
  Sweeper();
  ~Sweeper();

  /// From now on, until sweep() returns false.
  void watch(std::weak_ptr<Sweepable> what);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::weak_ptr<Sweepable>> watched_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace casebox::keyring::internal
