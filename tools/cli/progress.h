#pragma once

// A progress line on standard error, for anything that may take longer than 2 s. It shows only when
// standard error is a terminal and 2 s have passed, and goes away when the Progress does.
//
// Thread safety: one thread.

#include <chrono>
#include <cstdint>
#include <string>

namespace casebox::tools {

class Progress {
 public:
  /// `total` 0: unknown, only the count is shown. `unit` e.g. "cases".
  Progress(std::string label, uint64_t total, std::string unit = "");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of the total; cheap to call often.
  void update(uint64_t done);
  /// A new label, e.g. the next phase of the work.
  void label(std::string text);
  void total(uint64_t n) { total_ = n; }

  /// The line as it would be shown, without control characters.
  std::string line(uint64_t done, double elapsed_s) const;

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  std::string unit_;
  uint64_t total_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point begin_;
  Clock::time_point last_;
};

}  // namespace casebox::tools
