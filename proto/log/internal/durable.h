#pragma once

// The file `durable`: below which offset everything is on disk. Two slots of 32 bytes, written in
// turn in place, each with a sequence number and a CRC: the newest whole one counts. Why not a
// rename: that costs two journal commits each 100 ms, and space that a full disk does not have
// (docs/adr/005). The file itself is not synced: it is written after the data is on disk, so what a
// power cut leaves of it is an older offset, which is true as well.
//
// Thread safety: one writer; readers in any process.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "proto/base/file.h"
#include "proto/base/result.h"
#include "proto/log/log.h"

namespace casebox::log::internal {

class Durable {
 public:
  /// To write: made if it is not there. To read: kNotFound if it is not there.
  static Result<Durable> open(const std::filesystem::path& dir, bool write);

  /// The newest offset; nullopt if none was stored yet, kCorrupt if none of what was stored is
  /// whole.
  Result<std::optional<Offset>> load();
  /// Never goes back: an offset at or below the newest is left alone.
  Result<void> store(Offset offset);

 private:
  Durable(Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Fd fd_;
  std::filesystem::path path_;
  uint64_t sequence_ = 0;
  std::optional<Offset> newest_;
};

}  // namespace casebox::log::internal
