#pragma once

// Readers of annotation files, all to one form.
//
// Thread safety: free functions.
// Errors: kInvalidArgument `<file>:<line or byte>: <what>; <what to do>`; they quote no label and
// no case.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/event.pb.h"
#include "proto/base/result.h"
#include "proto/text/text.h"

namespace casebox::recorder::internal {

struct PhaseInterval {
  int64_t start = 0;  // in units of unit_ns
  int64_t end = 0;
  std::string label;
  v1::Interval::Level level = v1::Interval::LEVEL_PHASE;
  int32_t label_id = 0;
};

struct PhaseCase {
  std::string name;
  std::vector<PhaseInterval> intervals;  // by start, longer ones first
  std::optional<Error> bad;              // its first bad row: the others of the file are whole
};

struct PhaseFile {
  int64_t unit_ns = 1'000'000;
  std::string unit = "ms";
  std::vector<PhaseCase> cases;
  text::Text told;  // what its text is in; without the text
  std::vector<std::string> notices;
};

/// Reads any of the forms; `name` is the file's path, for errors and the case of a JSON file;
/// `encoding` what its text is said to be in; `frame_rate` how many of the frames that it counts
/// are a second (0: not told).
Result<PhaseFile> read_phases(BytesView bytes, const std::string& name,
                              const std::string& encoding = "", double frame_rate = 0);
/// True if the first line of a table is one of annotations; `path`: the file's.
bool is_phase_header(std::string_view line, const std::string& path);

}  // namespace casebox::recorder::internal
