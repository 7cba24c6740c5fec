#pragma once

// The header of a WFDB record, as header(5) of the WFDB Applications Guide (physionet.org) has it:
// a record line, a line for each signal or segment, remarks.
//
// Thread safety: free functions. Errors: kInvalidArgument with `name:line`. Limits: 1 MiB, 1024
// signals, 65,536 segments.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "recorder/sources/internal/even_samples.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

struct WfdbSignal {
  std::string file;
  int format = 16;
  uint32_t per_frame = 1;  // samples
  uint32_t skew = 0;       // frames by which it is late
  uint64_t offset = 0;     // bytes in front of its file's samples
  double gain = 200;       // codes a unit
  bool calibrated = true;
  int64_t baseline = 0;
  std::string unit = "mV";
  int64_t zero = 0;
  int64_t initial = 0;
  std::optional<int32_t> checksum;  // sum of its samples, 16 bits
  std::string description;
};

struct WfdbSegment {
  std::string name;  // "~": nothing was recorded
  uint64_t frames = 0;
};

struct WfdbHeader {
  std::string record;
  Rate rate;            // frames
  uint64_t frames = 0;  // 0: not told
  Wall wall;
  bool remarks = false;
  std::vector<WfdbSignal> signals;
  std::vector<WfdbSegment> segments;  // of a record of several; then no signals
};

Result<WfdbHeader> read_wfdb_header(const std::string& text, const std::string& name);

/// A name that stands beside the header: no folder in it.
bool is_plain_name(const std::string& name);

}  // namespace casebox::recorder::internal
