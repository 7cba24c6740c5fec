#pragma once

// Reading packets so that a device that hangs holds up no end, and each packet of one is stamped
// when it came: opening a stream looks at some of it first, and what it looked at comes at once.
//
// Thread safety: one thread; the two flags may be set from any.

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>

#include "proto/base/file.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "recorder/clock/one_way_clock.h"

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

  bool live = false;                                   // a device, not a file
  const std::atomic<bool>* opening_stopped = nullptr;  // while it is being opened
  const std::atomic<bool>* stopped = nullptr;          // the recording ends
  std::function<CaseTime()> now;
  /// Decoding time of a packet on the device's clock, ns; nullopt: it is not recorded.
  std::function<std::optional<int64_t>(const AVPacket&)> decode_of;

  /// Opening a pipe waits for somebody who writes, and nothing ends that wait: so it is opened when
  /// there is something in it. kUnavailable after a second without.
  Result<void> wait_for_writer(const std::string& url);
  void opened();
  /// Asked by libavformat while it waits: an opening is given up at once, a device is read for as
  /// long as it takes to hand over what has arrived.
  bool interrupted();
  /// The next packet; libavformat's error at the end.
  int read(AVFormatContext& format, AVPacket& packet, OneWayClock& clock);
  /// The packet at hand was looked at before anybody could note when it came.
  bool observed() const { return observed_; }
  static std::string reason(int error);

 private:
  void prime(AVFormatContext& format, AVPacket& packet, OneWayClock& clock);

  Fd writer_;  // keeps a pipe open while libavformat opens it
  std::optional<std::chrono::steady_clock::time_point> stop_by_;
  std::chrono::steady_clock::time_point waits_since_ = std::chrono::steady_clock::now();
  std::deque<AVPacket*> early_;
  int early_end_ = 0;  // how what was looked at ended
  bool primed_ = false;
  bool observed_ = false;
};

/// Why libavformat could not open or look at a file or device, and what to do.
Error not_opened(const std::string& url, bool live, int error);

}  // namespace casebox::recorder::internal
