#pragma once

// All sources of a recorder: a thread each, and the inbox they fill.
//
// Thread safety: one thread owns it. Lifetime: the clock outlives it. A source that hangs in the
// system is not waited for: whoever sees hangs() lets go of the set instead of destroying it.

#include <memory>
#include <vector>

#include "recorder/inbox.h"
#include "recorder/internal/source_thread.h"

namespace casebox::recorder::internal {

class SourceSet {
 public:
  /// `pace`: of those that are not read as fast as they can be.
  SourceSet(const v1::RecorderConfig& config, Pace pace, bool fast, Clock& clock);

  void start();
  void stop(RoomTime end);
  /// Waits for those that have ended.
  void join();
  bool hangs() const;

  Inbox& inbox() { return inbox_; }
  const Inbox& inbox() const { return inbox_; }
  size_t size() const { return threads_.size(); }
  const SourceThread::Ending& ending(size_t source) const { return threads_[source]->ending(); }
  /// Of the longest.
  Duration length() const;

 private:
  Inbox inbox_;
  std::vector<std::unique_ptr<SourceThread>> threads_;
};

/// Read as fast as it can be, not at the pace of its own times.
bool is_fast(const v1::SourceConfig& source);

}  // namespace casebox::recorder::internal
