#pragma once

// Reads a gzip file forward, piece by piece, with a bound on what comes out. A file that ends early
// or is damaged gives everything up to that place and then says where it stopped.
//
// Thread safety: one thread.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::recorder::internal {

class GzipReader {
 public:
  /// kNotFound, kIo; kInvalidArgument when the file is not gzip at all.
  static Result<std::unique_ptr<GzipReader>> open(const std::string& file);
  /// From memory: tests and fuzzing.
  static std::unique_ptr<GzipReader> over(Bytes bytes);
  ~GzipReader();

  /// Exactly `size` bytes into `out`, fewer at the end or at damage.
  void read(size_t size, Bytes& out);
  /// Empty while nothing is wrong: "the file ends early", "damaged at byte n".
  const std::string& trouble() const { return trouble_; }
  /// Position in the file and in what came out of it.
  uint64_t file_offset() const;
  uint64_t offset() const { return produced_; }

 private:
  GzipReader();
  bool refill();

  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string trouble_;
  uint64_t produced_ = 0;
};

}  // namespace casebox::recorder::internal
