#pragma once

// Keeps a store current while its page is shown: brings in what recorders' logs hold, and analyses
// each case once it is closed. While it runs it is the store's one writer; other commands that
// write say so and end.
//
// Thread safety: start and destroy from one thread; state() from any. The StoreAccess given must
// not be used for writing meanwhile, and outlives it. Errors: trouble on the way (a full disk, a
// damaged log) is kept in state() and tried again; nothing is lost by waiting, since the logs keep
// what the store has not taken.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/store/store_access.h"

namespace casebox::tools {

class LiveStore {
 public:
  struct State {
    uint64_t frames = 0;    // stored since the start
    uint64_t analysed = 0;  // cases whose jobs were run as they closed
    uint64_t failed = 0;    // cases with a job that failed, or that no key opens
    std::string trouble;    // the last step's error; empty: none
  };

  /// `logs`: log folders beside the store's own.
  static std::unique_ptr<LiveStore> start(StoreAccess& access,
                                          std::vector<std::filesystem::path> logs);
  ~LiveStore();

  State state() const;

 private:
  LiveStore();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::tools
