#include "tools/bench/peer.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace casebox::tools::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kPeak = "peak_rss_bytes";

/// Both ends of a pipe, closed when they go.
struct Pipe {
  int ends[2] = {-1, -1};
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  bool open() { return ::pipe2(ends, O_CLOEXEC) == 0; }
  void close_end(int i) {
    if (ends[i] >= 0) ::close(ends[i]);
    ends[i] = -1;
  }
};

struct Ended {
  std::string output;
  int status = 0;
  bool in_time = true;
  uint64_t peak_rss_bytes = 0;
};

/// Reads until the process closes its end, then waits for it; kills it when the time is up.
Ended collect(pid_t pid, int fd, Clock::time_point until) {
  Ended out;
  char buffer[1 << 16];
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd one{fd, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      out.in_time = false;
      ::kill(pid, SIGKILL);
      break;
    }
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.output.append(buffer, static_cast<size_t>(n));
  }
  rusage used{};
  while (::wait4(pid, &out.status, 0, &used) < 0 && errno == EINTR) {
  }
  out.peak_rss_bytes = static_cast<uint64_t>(used.ru_maxrss) * 1024;
  return out;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with code " + std::to_string(WEXITSTATUS(status));
}

Result<Apart> told(const std::string& who, const Ended& ended, Clock::time_point begin) {
  Apart out;
  out.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  out.document = Json::parse(ended.output, nullptr, false);
  if (!out.document.is_object())
    return Error{Code::kCorrupt, who + ": printed no JSON object; run it by itself"};
  out.peak_rss_bytes = ended.peak_rss_bytes;
  if (const auto it = out.document.find(kPeak);
      it != out.document.end() && it->is_number_unsigned())
    out.peak_rss_bytes = it->get<uint64_t>();
  return out;
}

uint64_t own_peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

/// In the forked process: does the work and says the result; never returns.
[[noreturn]] void work_apart(const std::function<Result<Json>()>& work, int fd) {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins here
  auto result = work();
  if (result) {
    (*result)[kPeak] = own_peak_bytes();
    write_all(fd, result->dump());
    ::_exit(0);
  }
  write_all(fd, result.error().message);
  ::_exit(1);
}

}  // namespace

std::optional<Peers> Peers::find(const std::string& python, const fs::path& program) {
  if (python == "none") return std::nullopt;
  std::error_code ec;
  const fs::path here = fs::current_path(ec);
  // <tree>/build/<preset>/casebox
  const fs::path tree = program.parent_path().parent_path().parent_path();
  Peers out;
  for (const fs::path& root : {tree, here}) {
    if (out.scripts.empty() && fs::is_directory(root / "tests/bench/peers", ec))
      out.scripts = root / "tests/bench/peers";
    if (out.python.empty() && fs::exists(root / "tests/.venv/bin/python", ec))
      out.python = root / "tests/.venv/bin/python";
  }
  if (!python.empty()) out.python = python;
  if (out.scripts.empty() || out.python.empty()) return std::nullopt;
  return out;
}

Result<Apart> run_peer(const Peers& peers, const std::string& script,
                       const std::vector<std::string>& args, std::chrono::seconds limit) {
  const std::string file = (peers.scripts / script).string();
  std::vector<std::string> words = {peers.python.string(), file};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  Pipe pipe;
  if (!pipe.open()) return Error{Code::kUnavailable, file + ": no pipe: " + std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe.ends[1], STDOUT_FILENO);
  const auto begin = Clock::now();
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return Error{Code::kUnavailable, words[0] + ": cannot be started: " + std::strerror(failed) +
                                         "; run tests/python/setup or give --peers none"};
  pipe.close_end(1);
  const Ended ended = collect(pid, pipe.ends[0], begin + limit);
  if (!ended.in_time)
    return Error{Code::kUnavailable, file + ": stopped after " + std::to_string(limit.count()) +
                                         " s; give --peers none to leave it out"};
  if (ended.status != 0)
    return Error{Code::kIo, file + ": " + how_it_ended(ended.status) +
                                "; run tests/python/setup or give --peers none"};
  return told(file, ended, begin);
}

Result<Apart> run_apart(const std::function<Result<Json>()>& work) {
  Pipe pipe;
  if (!pipe.open()) return Error{Code::kUnavailable, std::string("no pipe: ") + strerror(errno)};
  std::fflush(nullptr);  // else the child would print it again
  const auto begin = Clock::now();
  const pid_t pid = ::fork();
  if (pid < 0) return Error{Code::kUnavailable, std::string("no process: ") + strerror(errno)};
  if (pid == 0) work_apart(work, pipe.ends[1]);
  pipe.close_end(1);
  const Ended ended = collect(pid, pipe.ends[0], begin + std::chrono::hours(2));
  if (ended.status != 0) {
    const bool said = WIFEXITED(ended.status) && !ended.output.empty();
    return Error{Code::kIo, said ? ended.output
                                 : "the measured process " + how_it_ended(ended.status) +
                                       "; run the command by itself"};
  }
  return told("the measured process", ended, begin);
}

}  // namespace casebox::tools::bench
