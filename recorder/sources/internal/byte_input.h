#pragma once

// The bytes of a file by their places, from the file itself or from memory. What is asked for
// beyond the end comes short, and never more is held than was asked for.
//
// Thread safety: one thread. Errors: kNotFound, kIo with the file's name from open().

#include <cstdio>
#include <memory>
#include <string>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::recorder::internal {

class ByteInput {
 public:
  static Result<ByteInput> open(const std::string& path);
  static ByteInput over(Bytes bytes);

  uint64_t size() const { return size_; }
  /// Up to `n` bytes from `at`; fewer at the end, or where the disk fails.
  void read_at(uint64_t at, size_t n, Bytes& out) const;
  Bytes read_at(uint64_t at, size_t n) const {
    Bytes out;
    read_at(at, n, out);
    return out;
  }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Closer> file_;
  Bytes bytes_;
  uint64_t size_ = 0;
};

}  // namespace casebox::recorder::internal
