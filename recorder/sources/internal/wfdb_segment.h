#pragma once

// A segment of a WFDB record, or a whole one, while it is read: its files, and the samples of the
// frames read last, signal by signal.
//
// Thread safety: one thread. Errors: what cannot be opened is said, and its signals bring nothing.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recorder/sources/internal/wfdb_header.h"
#include "recorder/sources/internal/wfdb_signals.h"

namespace casebox::recorder::internal {

/// A file of signals that is being read.
struct WfdbFile {
  std::optional<WfdbSamples> samples;
  std::vector<size_t> signals;  // of the header
  size_t per_frame = 0;
  bool ended = false;
};

struct OpenSegment {
  WfdbHeader header;
  std::vector<WfdbFile> files;
  std::vector<std::vector<int64_t>> codes;  // by signal, of the frames read last
  std::vector<std::vector<bool>> missing;   // beside them
  std::vector<int64_t> before;              // of each signal, its last value
  std::vector<uint32_t> sum;
  std::vector<uint64_t> read;  // samples by signal
  uint64_t frames = 0, done = 0;
  bool unread = false;  // it cannot be opened
};

/// Opens the files that the header names; what is to be said of those that cannot be read. `name`:
/// of the header, in errors.
std::vector<std::string> open_files(
    OpenSegment& at, const std::function<Result<ByteInput>(const std::string&)>& folder,
    const std::string& name);

/// Reads the next frames of all files; a signal whose file ended has fewer.
void read_frames(OpenSegment& at, uint64_t frames);

/// Signals whose samples, all read, are not those that the header's checksum was made of.
std::vector<size_t> wrong_sums(const OpenSegment& at);

}  // namespace casebox::recorder::internal
