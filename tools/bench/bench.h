#pragma once

// The project's own figures (`casebox bench`): groups of measurements over the same libraries that
// record, store and read. All data is made here from a seed unless a store is named.
//
// Thread safety: one thread. Errors: those of the libraries measured. Nothing is left in
// Context::dir by the caller, who made it.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "tools/bench/peer.h"

namespace casebox::tools::bench {

/// One measured number. `id` is stable: scripts compare it between versions.
struct Figure {
  std::string id;    // "log.sealed.1kib.mb_per_s"
  std::string name;  // for people
  double value = 0;
  std::string unit;
  bool higher_is_better = true;
  // What it is compared with in the same run; "" = nothing.
  std::string peer;
  std::string peer_version;
  double peer_value = 0;
};

/// What every group gets.
struct Context {
  std::filesystem::path dir;   // empty scratch folder on the disk to be measured
  double seconds = 2;          // about how long one measurement takes
  double case_seconds = 1200;  // length of the synthetic case
  uint64_t seed = 1;
  std::string brokers;          // Kafka; "" = leave it out
  std::filesystem::path store;  // measure this store as well; "" = none
  std::filesystem::path keys;   // its keystore; "" = <store>/keys
  std::filesystem::path data;   // with process_logs/ of public logs and models; "" = none
  std::optional<Peers> peers;   // what figures are compared with; unset = nothing
};

struct Group {
  const char* name;
  const char* summary;
  Result<void> (*run)(const Context& context, std::vector<Figure>& figures);
};

/// In the order in which they run.
const std::vector<Group>& groups();

// tools/bench/<name>_bench.cpp
Result<void> run_log(const Context& context, std::vector<Figure>& figures);
Result<void> run_ingest(const Context& context, std::vector<Figure>& figures);
Result<void> run_query(const Context& context, std::vector<Figure>& figures);
Result<void> run_codec(const Context& context, std::vector<Figure>& figures);
Result<void> run_logs(const Context& context, std::vector<Figure>& figures);
Result<void> run_conformance(const Context& context, std::vector<Figure>& figures);
/// Part of run_conformance.
Result<void> run_provenance(const Context& context, std::vector<Figure>& figures);

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The middle of several measurements of the same thing; `values` is not empty.
double median(std::vector<double> values);

/// Bytes of all files below a folder.
uint64_t folder_bytes(const std::filesystem::path& dir);

/// Asks the kernel to forget what it holds of the files below, so that the next read comes from the
/// disk.
void forget_cached(const std::filesystem::path& dir);

/// What the figures were measured on.
struct Machine {
  std::string cpu;
  unsigned cores = 0;
  uint64_t memory_bytes = 0;
};
Machine this_machine();

}  // namespace casebox::tools::bench
