#pragma once

// What a protocol file calls its procedure and its steps to a patient (docs/formats/protocol.md):
//
//   lay:
//     procedure: keyhole removal of the gallbladder
//     steps:
//       time-out: the safety check before the start
//
// Words only: nothing is compared with them. Each begins with a small letter and fits into "... was
// not marked".
//
// Thread safety: free functions. Errors: kInvalidArgument `<name>:<line>: ...` for what is not
// text, is empty, or is of a step that the file has not.

#include <map>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::tools {

constexpr const char* kLayKey = "lay";

struct LayWords {
  std::string procedure;                     // empty: the file says nothing
  std::map<std::string, std::string> steps;  // by step id
};

Result<LayWords> read_lay_words(std::string_view text, const std::string& name);

}  // namespace casebox::tools
