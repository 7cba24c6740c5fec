#pragma once

// Where a command's data goes: a file made under a temporary name and renamed when whole, a pipe or
// device that is there, or standard output.
//
// Thread safety: one thread. Errors: kIo, kNoSpace with the path.

#include <cstdio>
#include <filesystem>

#include "proto/base/result.h"

namespace casebox::tools {

class Output {
 public:
  /// "" or "-" = standard output.
  static Result<Output> open(const std::filesystem::path& path);
  ~Output();  // without finish(): the unfinished file is removed
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;

  std::FILE* file() { return file_; }
  bool standard() const { return path_.empty(); }
  /// Flushes, syncs and gives the file its name.
  Result<void> finish();

 private:
  Output() = default;
  std::FILE* file_ = nullptr;
  std::filesystem::path path_;
  std::filesystem::path temporary_;
};

}  // namespace casebox::tools
