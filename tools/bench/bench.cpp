#include "tools/bench/bench.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace casebox::tools::bench {
namespace fs = std::filesystem;

const std::vector<Group>& groups() {
  static const std::vector<Group> kAll = {
      {"log", "Items into a log: encoded, sealed, chained, written", run_log},
      {"codec", "Bytes a sample takes, coded and stored", run_codec},
      {"ingest", "Frames from a log, or a broker, into the store", run_ingest},
      {"query", "Opening a store and reading a window of waves", run_query},
      {"logs", "Large event logs: reading, temporal profile, graph, variants", run_logs},
      {"conformance", "Alignments, their certainty, and the chain behind findings",
       run_conformance},
  };
  return kAll;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

uint64_t folder_bytes(const fs::path& dir) {
  uint64_t total = 0;
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator(dir, ec))
    if (entry.is_regular_file(ec)) total += entry.file_size(ec);
  return total;
}

void forget_cached(const fs::path& dir) {
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator(dir, ec)) {
    if (!entry.is_regular_file(ec)) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::fdatasync(fd);  // only clean pages are forgotten
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

Machine this_machine() {
  Machine machine;
  machine.cores = std::thread::hardware_concurrency();
  machine.memory_bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                         static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      machine.cpu = line.substr(colon + 2);
      break;
    }
  }
  return machine;
}

}  // namespace casebox::tools::bench
