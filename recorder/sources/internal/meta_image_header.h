#pragma once

// The header of a MetaImage sequence: lines of `key = value` up to `ElementDataFile`, of which
// those that begin with `Seq_Frame` and a number tell of one frame.
//
// Thread safety: free function.
// Errors: kInvalidArgument `<file>:<line>: <what>; <what to do>`.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::recorder::internal {

struct MetaFrame {
  std::optional<double> time, unfiltered;  // s
  std::optional<int64_t> number;
  /// By the transform's place in MetaImage::transforms: rows of the matrix, nothing where it was
  /// not tracked.
  std::map<size_t, std::array<double, 12>> poses;
  uint64_t line = 0;  // of its time
};

struct MetaImage {
  std::vector<std::string> transforms;  // "ProbeToTracker"
  std::vector<MetaFrame> frames;        // by their numbers
  bool pictures = false;
  bool whole = true;     // false: the header ends inside
  uint64_t untimed = 0;  // frames without a time, left out
  uint64_t others = 0;   // other fields of frames
  uint64_t unsound = 0;  // matrices that are none
};

Result<MetaImage> read_meta_image(BytesView header, const std::string& name);

}  // namespace casebox::recorder::internal
