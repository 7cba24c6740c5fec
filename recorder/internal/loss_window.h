#pragma once

// What each source lost in the last five minutes of a case, from losses that only grow; what
// somebody paused is none.
//
// Thread safety: one thread.

#include <deque>
#include <string>
#include <vector>

#include "recorder/recorder.h"

namespace casebox::recorder::internal {

class LossWindow {
 public:
  struct Lost {
    uint64_t items = 0;
    uint64_t gaps = 0;
  };
  explicit LossWindow(std::vector<std::string> sources) : sources_(std::move(sources)) {}

  /// Once a second.
  void note(MonoTime now, const std::vector<Loss>& losses);
  Lost lost(size_t source) const;
  /// Another case begins: its counts begin at zero.
  void clear() { seen_.clear(); }

 private:
  struct Seen {
    MonoTime at;
    std::vector<Lost> lost;  // by source, since the beginning of the case
  };
  std::vector<std::string> sources_;
  std::deque<Seen> seen_;
};

}  // namespace casebox::recorder::internal
