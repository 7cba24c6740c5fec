#pragma once

// The file `alive` beside a log: until when its recorder is known to have lived. A recorder marks
// it many times a second, so that after a kill recovery can bound what was lost. It is no evidence
// and is not synced: a kill leaves the newest mark in the kernel's cache, a power cut does not, and
// then nothing bounds the loss (docs/formats/log.md).
//
// Thread safety: one writer; readers in any process. Errors: kIo; a mark that fails is tried again.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "proto/base/file.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox::log {

struct AliveMark {
  Epoch epoch;
  CaseTime at;     // case time at which it lived
  CaseTime until;  // by then it would have marked again, had it lived
  std::array<uint8_t, 16> boot{};
};

class Alive {
 public:
  static Result<Alive> open(const std::filesystem::path& dir);
  Result<void> mark(const AliveMark& mark);
  /// The epoch has ended in good order: nothing is left to bound.
  static void remove(const std::filesystem::path& dir);
  /// The newest whole mark; none if there is no file or nothing whole in it.
  static std::optional<AliveMark> read(const std::filesystem::path& dir);

 private:
  Alive(Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Fd fd_;
  std::filesystem::path path_;
  uint64_t sequence_ = 0;
};

}  // namespace casebox::log
