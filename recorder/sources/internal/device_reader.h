#pragma once

// How a device is read through libavformat: for how long it is waited for, what is still taken when
// the recording ends, and when what an opening has looked at had come.
//
// Thread safety: one thread; the flags may be set from any. Lifetime: the flags outlive it.

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>

#include "proto/base/time.h"

extern "C" {
struct AVFormatContext;
struct AVPacket;
}

namespace casebox::recorder::internal {

class DeviceReader {
 public:
  DeviceReader() = default;
  DeviceReader(const DeviceReader&) = delete;
  DeviceReader& operator=(const DeviceReader&) = delete;
  ~DeviceReader();

  const std::atomic<bool>* opening = nullptr;   // true: give the opening up; null once it is open
  const std::atomic<bool>* stopping = nullptr;  // true: hand out what has arrived, then end
  bool live = false;                            // a device; else a file, which ends at once

  /// AVIOInterruptCB: asked while libavformat waits, and before each reading.
  static int asked(void* self) { return static_cast<DeviceReader*>(self)->interrupted() ? 1 : 0; }
  bool interrupted();

  /// The next packet, or libavformat's error.
  int read(AVFormatContext* format, AVPacket* packet);
  /// Of a device, before the first read(): all packets that an opening has looked at come at once.
  /// The one of them that was least delayed by `stamp` (ns; none: not of a track that is recorded)
  /// tells where the device's clock stands; `now` is case time. It and when it came, if any.
  std::optional<std::pair<int64_t, CaseTime>> prime(
      AVFormatContext* format, AVPacket* packet,
      const std::function<std::optional<int64_t>(const AVPacket&)>& stamp,
      const std::function<CaseTime()>& now);
  /// Whether the packet that was read last is one of those: when it came nobody knows.
  bool early() const { return early_packet_; }

 private:
  std::deque<AVPacket*> early_;
  int early_end_ = 0;
  bool early_packet_ = false;
  std::chrono::steady_clock::time_point waits_since_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> stop_by_;
};

}  // namespace casebox::recorder::internal
