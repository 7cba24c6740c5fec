#pragma once

// A recording for measurements: the simulated room's sampled streams, in a log of its own, sealed
// like any other. No video: media frames are measured apart, since they say nothing about samples.
//
// Thread safety: one thread.

#include <cstdint>
#include <filesystem>

#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox::tools::bench {

struct RecordingOptions {
  double seconds = 1200;
  uint64_t seed = 1;
  Duration frame = milliseconds(120);  // of samples in a frame; a multiple of 40 ms
};

struct Recording {
  std::filesystem::path log;
  std::filesystem::path keys;
  CaseId case_id;
  uint64_t frames = 0;  // of data
  uint64_t samples = 0;
  uint64_t raw_bytes = 0;    // of the samples as 16-bit integers, the least a device would send
  uint64_t coded_bytes = 0;  // of the samples after the codec
};

/// Writes <dir>/log and <dir>/keys.
Result<Recording> make_recording(const std::filesystem::path& dir, const RecordingOptions& options);
/// Makes a store of it, in a folder that is not there yet.
Result<void> fill_store(const Recording& recording, const std::filesystem::path& dir);

}  // namespace casebox::tools::bench
