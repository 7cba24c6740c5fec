#pragma once

// `<shard>/commits`: how far the shard was committed, outside RocksDB, so that a log of RocksDB
// that was cut, damaged, taken away or put back is noticed (docs/formats/store.md). Two slots, each
// with a checksum, written in turn: a torn write leaves the other one.
//
// The file is also the writer's lock (flock): it is held from before anything of the shard is
// looked at until everything of it is closed.
//
// Thread safety: one thread; `read` from any.
// Errors: kUnavailable while another writer holds the lock, kCorrupt when both slots are damaged.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/file.h"
#include "proto/base/result.h"

namespace casebox::storage {

struct CommitMark {
  uint64_t serial = 0;   // of the slot: the greater one holds
  uint64_t counter = 0;  // commits of this shard
  uint64_t ledger_records = 0;
  Digest ledger_head{};
  bool writing = false;  // a writer has committed and did not close since
  bool copied = false;   // read: the file stands elsewhere than where it was written
};

class CommitFile {
 public:
  /// Makes the file if it is not there, and takes the lock, waiting at most so long.
  static Result<std::unique_ptr<CommitFile>> lock(const std::filesystem::path& path,
                                                  std::chrono::milliseconds wait);
  /// nullopt if there is no file, or nothing was written to it yet.
  static Result<std::optional<CommitMark>> read(const std::filesystem::path& path);

  Result<std::optional<CommitMark>> read() const;
  /// Replaces the older slot.
  Result<void> write(CommitMark mark, bool sync);

 private:
  std::filesystem::path path_;
  Fd fd_;
  uint64_t serial_ = 0;
};

}  // namespace casebox::storage
