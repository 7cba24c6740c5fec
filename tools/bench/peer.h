#pragma once

// What a figure is compared with, measured in the same run: a script of another tool's users, and
// our own work in a process of its own, so that the memory of both is told in the same way.
//
// A peer is `PYTHON SCRIPT ARGS...`; it prints one JSON object on standard output. Times in it are
// the script's own (importing and reading are not what is measured); scripts take them and the
// memory from tests/bench/peers/measure.py. Its standard error is shown when it fails.
//
// Thread safety: one thread; run_apart() forks, so no other thread may be running.
// Errors: kUnavailable (cannot be started, took too long), kIo (ended with an error), kCorrupt (no
// JSON object).

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "tools/cli/json.h"

namespace casebox::tools::bench {

/// Python and scripts of peers: present only where the tests' environment is.
struct Peers {
  std::filesystem::path python;
  std::filesystem::path scripts;  // folder of the scripts

  /// `python` as given, "none" for nothing; empty: tests/.venv of the source tree whose build
  /// folder holds `program`. Scripts stand in tests/bench/peers of that tree, or of the working
  /// folder.
  static std::optional<Peers> find(const std::string& python, const std::filesystem::path& program);
};

struct Apart {
  Json document;
  double seconds = 0;           // of the whole process
  uint64_t peak_rss_bytes = 0;  // the most memory it held at a time (VmHWM)
};

/// Runs a script and waits for its end. Peers without a "peak_rss_bytes" in their document get the
/// kernel's count, which is never below this process's own memory.
Result<Apart> run_peer(const Peers& peers, const std::string& script,
                       const std::vector<std::string>& args,
                       std::chrono::seconds limit = std::chrono::minutes(30));

/// Runs `work` in a forked process and returns what it says. `work` sees this process's memory as
/// it is now; peak_rss_bytes counts from here.
Result<Apart> run_apart(const std::function<Result<Json>()>& work);

}  // namespace casebox::tools::bench
