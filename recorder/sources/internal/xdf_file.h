#pragma once

// Extensible Data Format 1.0 (github.com/sccn/xdf/wiki/Specifications): what Lab Streaming Layer's
// LabRecorder writes. Chunks of a stream each, with its samples and their time stamps on the clock
// of the machine that made them, and how that clock stood to the recording machine's, measured
// every few seconds.
//
// A chunk that cannot be read costs what stands up to the next boundary chunk, which the
// specification has for this.
//
// Thread safety: one thread. Errors: kInvalidArgument for what does not begin as XDF. Limits: 4096
// streams, 4096 channels each, 4 MiB a header, 64 MiB a chunk, a million clock measurements.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recorder/sources/internal/byte_input.h"
#include "recorder/sources/internal/clock_fit.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

enum class XdfValue { kInt8, kInt16, kInt32, kInt64, kFloat32, kDouble64, kString };

struct XdfStream {
  uint32_t id = 0;
  std::string name, rate;                  // bytes of the file
  std::vector<std::string> labels, units;  // of channels; may be fewer
  size_t channels = 0;
  XdfValue value = XdfValue::kString;
  std::vector<ClockMeasured> clock;
};

struct XdfChunk {
  enum class Tag { kHeader = 1, kStream, kSamples, kClock, kBoundary, kFooter };
  Tag tag = Tag::kHeader;
  uint64_t at = 0;  // of its content
  uint64_t size = 0;
  uint32_t stream = 0;  // id, of the kinds that have one
};

/// Samples of one chunk, one behind the other.
struct XdfSamples {
  std::vector<std::optional<double>> stamps;  // nullopt: follows the one before
  std::vector<int64_t> ints;                  // by sample, then channel
  std::vector<double> reals;
  std::vector<std::string> texts;
  bool whole = true;  // false: the chunk ends inside
};

class XdfFile {
 public:
  static Result<XdfFile> open(ByteInput input, const std::string& name);

  /// The next chunk; nullopt at the end. What could not be read up to it is in troubles().
  std::optional<XdfChunk> next();
  void rewind();
  /// A stream's header, its measured clock and its samples; nullopt for what cannot be read.
  std::optional<XdfStream> read_stream(const XdfChunk& chunk) const;
  std::optional<ClockMeasured> read_clock(const XdfChunk& chunk) const;
  void read_samples(const XdfChunk& chunk, const XdfStream& stream, XdfSamples& out) const;

  /// Places that could not be read since open() or rewind().
  const std::vector<Skipped>& troubles() const { return troubles_; }
  /// Something was lost since the last call.
  bool take_lost() { return std::exchange(lost_, false); }

 private:
  void lose(uint64_t at, const std::string& what);
  std::optional<uint64_t> boundary(uint64_t from) const;

  ByteInput input_;
  uint64_t at_ = 4;
  bool lost_ = false;
  std::vector<Skipped> troubles_;
};

}  // namespace casebox::recorder::internal
