#pragma once

// Bytes of a file or of memory in order, unpacked if they are gzip, at most so many.
//
// Thread safety: one thread. Errors: kNotFound, kIo, kCorrupt (torn or damaged gzip),
// kInvalidArgument (larger than the limit).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::analytics::readers::internal {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `size` bytes; 0 at the end.
  virtual Result<size_t> read(char* into, size_t size) = 0;
  /// Stands for the source in messages.
  const std::string& name() const { return name_; }

  static Result<std::unique_ptr<ByteSource>> open(const std::filesystem::path& path,
                                                  uint64_t limit);
  /// Plain bytes; they must outlive the source.
  static std::unique_ptr<ByteSource> of(std::string_view bytes, std::string name);

 protected:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
};

/// All of it.
Result<std::string> read_all(ByteSource& source);

}  // namespace casebox::analytics::readers::internal
