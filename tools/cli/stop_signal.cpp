#include "tools/cli/stop_signal.h"

#include <time.h>

#include <csignal>

namespace casebox::tools {
namespace {

// One order often comes as several signals: `timeout`, a terminal and service managers tell the
// program and its whole group. Only one that comes later is somebody who insists.
constexpr time_t kInsists = 1;  // s

volatile std::sig_atomic_t g_stopped = 0;
volatile time_t g_first = 0;

time_t now_s() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

void on_signal(int signal) {
  if (g_stopped == 0) {
    g_first = now_s();
    g_stopped = 1;
  } else if (now_s() - g_first > kInsists) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

}  // namespace

StopSignal::StopSignal() {
  g_stopped = 0;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

StopSignal::~StopSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool StopSignal::stopped() const { return g_stopped != 0; }

}  // namespace casebox::tools
