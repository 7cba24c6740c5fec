#pragma once

// The same work on many things, by all processors.
//
// Thread safety: `work` is called from several threads at once, for one index by one of them.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace casebox {

/// Calls work(i) for every i below `n` and returns when all are done. `work` must not throw.
template <typename Work>
void for_each_index(size_t n, const Work& work) {
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next++; i < n; i = next++) work(i);
  };
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::jthread> others;
  for (size_t k = 1; k < std::min(cores, n); ++k) others.emplace_back(run);
  run();
}

}  // namespace casebox
