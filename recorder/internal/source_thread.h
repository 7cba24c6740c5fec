#pragma once

// The thread of one source: opens it, takes items from it at their pace, hands them to the inbox,
// and opens it again, for ever, with growing pauses when a device went away or did not answer.
//
// When it is stopped it hands over what it holds: of a device whatever has arrived, of a file or a
// simulated room whatever began before the end.
//
// Thread safety: start() and join() from one thread; stop() from any.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "recorder/inbox.h"
#include "recorder/room_time.h"

namespace casebox::recorder::internal {

/// Where case time stands on the machine's clock.
struct Pace {
  MonoTime zero;
  double speed = 1;  // case seconds per second; 0: as fast as possible
};

class SourceThread {
 public:
  SourceThread(size_t index, Context context, Pace pace, bool fast, Inbox& inbox, Clock& clock);
  ~SourceThread();

  void start();
  /// The recording ends at `end`: kEnded follows once all has been handed over.
  void stop(CaseTime end);
  void join();

  /// After join(): what the source had to say at its end.
  struct Ending {
    std::vector<Skipped> skipped;
    std::vector<std::string> streams;
    std::vector<uint64_t> sent;
    std::string truth;
    bool whole = false;  // it came to its own end
  };
  const Ending& ending() const { return ending_; }
  Duration length() const { return Duration{length_ns_.load()}; }

 private:
  void run();
  /// False when the recording ends or the source cannot come back.
  bool run_once(Duration& pause);
  bool deliver(Source& source, std::vector<Item>& items);
  /// Whether nothing that began before the end can come any more.
  bool all_said(const Source& source, CaseTime arrived) const;
  void away(const char* reason);
  void end_of(Source& source);
  bool sleep_until(CaseTime t);
  bool sleep(Duration length);
  CaseTime now() const;
  bool push(Message message, v1::StreamClass kept = v1::STREAM_CLASS_A, bool wait = false);
  void say(const char* state, const std::string& message);

  size_t index_;
  Context context_;
  Pace pace_;
  bool fast_;
  Inbox& inbox_;
  Clock& clock_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> end_ns_{INT64_MAX};
  Source* source_ = nullptr;  // the open one, for stop(); under mutex_
  Ending ending_;
  std::atomic<int64_t> length_ns_{0};
  bool opened_before_ = false;
  bool cut_ = false;          // something of it began behind the end
  bool ended_alone_ = false;  // a device that told its own end
  CaseTime at_;               // order of the last message
  int64_t clocks_said_ = -1;
};

}  // namespace casebox::recorder::internal
