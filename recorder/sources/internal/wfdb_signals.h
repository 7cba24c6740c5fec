#pragma once

// The sample formats of WFDB, signal(5) of the WFDB Applications Guide: 8, 16, 24, 32, 61, 80, 160,
// 212, 310, 311 and, in FLAC, 508, 516 and 524. Samples stand frame by frame, of each signal as
// many as it has in a frame.
//
// Thread safety: one thread. Errors: kUnsupported for another format; kInvalidArgument for FLAC
// that cannot be opened. A file that ends comes short.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recorder/sources/internal/byte_input.h"

namespace casebox::recorder::internal {

class FlacInput;

class WfdbSamples {
 public:
  /// `channels`: of FLAC, how many signals are in the file.
  static Result<WfdbSamples> open(ByteInput input, int format, uint64_t offset, size_t channels,
                                  const std::string& name);
  ~WfdbSamples();
  WfdbSamples(WfdbSamples&&) noexcept;
  WfdbSamples& operator=(WfdbSamples&&) noexcept;

  /// Appends the next samples as they are stored (of format 8: differences); fewer than `n` at the
  /// end.
  void read(size_t n, std::vector<int32_t>& out);
  /// How many there are; nullopt for FLAC.
  std::optional<uint64_t> count() const;

 private:
  WfdbSamples();
  ByteInput input_;
  int format_ = 16;
  uint64_t offset_ = 0;
  uint64_t next_ = 0;  // sample
  std::unique_ptr<FlacInput> flac_;
};

/// The value that says that a sample is none; nullopt where the format has none.
std::optional<int32_t> wfdb_invalid(int format);

}  // namespace casebox::recorder::internal
