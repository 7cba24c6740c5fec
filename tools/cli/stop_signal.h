#pragma once

// Ctrl-C and SIGTERM as a question: commands that run until told so finish what they hold and end
// with their result. Another signal more than a second later ends the program at once.
//
// Thread safety: one StopSignal at a time; `stopped` may be asked from any thread.

namespace casebox::tools {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool stopped() const;
};

}  // namespace casebox::tools
