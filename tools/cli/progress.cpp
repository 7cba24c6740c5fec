#include "tools/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace casebox::tools {
namespace {

constexpr double kShowAfter = 2.0;  // s
constexpr double kShowEvery = 0.1;  // s
constexpr int kBarWidth = 24;

double seconds_between(std::chrono::steady_clock::time_point a,
                       std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

Progress::Progress(std::string label, uint64_t total, std::string unit)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      begin_(Clock::now()),
      last_(begin_) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::label(std::string text) { label_ = std::move(text); }

void Progress::update(uint64_t done) {
  if (!terminal_) return;
  const auto now = Clock::now();
  const double elapsed = seconds_between(begin_, now);
  if (elapsed < kShowAfter || (shown_ && seconds_between(last_, now) < kShowEvery)) return;
  last_ = now;
  shown_ = true;
  std::fprintf(stderr, "\r\033[K%s", line(done, elapsed).c_str());
  std::fflush(stderr);
}

std::string Progress::line(uint64_t done, double elapsed_s) const {
  std::string out = label_ + " ";
  char tail[96];
  if (total_ == 0) {
    std::snprintf(tail, sizeof tail, "%llu%s%s, %.0f s", static_cast<unsigned long long>(done),
                  unit_.empty() ? "" : " ", unit_.c_str(), elapsed_s);
    return out + tail;
  }
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const int full = static_cast<int>(part * kBarWidth);
  out += '[' + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(kBarWidth - full), '.') + ']';
  const double left = part > 0 ? elapsed_s * (1 - part) / part : 0;
  std::snprintf(tail, sizeof tail, " %3.0f %%, %.0f s left", part * 100, left);
  return out + tail;
}

}  // namespace casebox::tools
