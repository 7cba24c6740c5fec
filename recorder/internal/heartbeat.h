#pragma once

// Marks that the recorder lives, on a thread of its own: neither a slow disk below the log nor a
// busy writer keeps it from saying so.
//
// Thread safety: one owner. Lifetime: the clock outlives it.

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "proto/log/alive.h"
#include "recorder/internal/source_thread.h"

namespace casebox::recorder::internal {

class Heartbeat {
 public:
  /// Begins to mark; where that cannot be done nothing bounds a crash, and recovery says so.
  Heartbeat(const std::filesystem::path& dir, Epoch epoch, Pace pace,
            const std::array<uint8_t, 16>& boot, Clock& clock);
  ~Heartbeat();

 private:
  void run(log::Alive alive, Epoch epoch, Pace pace, std::array<uint8_t, 16> boot);

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace casebox::recorder::internal
