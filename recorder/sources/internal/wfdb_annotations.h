#pragma once

// Annotations of a WFDB record in the MIT form, annot(5) of the WFDB Applications Guide.
//
// Thread safety: free function. Errors: none; what cannot be read ends the list, and `whole` says
// so. Limits: a million annotations.

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/bytes.h"

namespace casebox::recorder::internal {

struct WfdbAnnotation {
  int64_t at = 0;    // samples from the record's beginning, at `hz` of the list
  std::string code;  // mnemonic: "N", "V", "+", ...
  std::string text;  // bytes of the file
  int subtype = 0, channel = 0, number = 0;
};

struct WfdbAnnotations {
  std::vector<WfdbAnnotation> all;
  double hz = 0;  // of its times, where it tells; 0: the record's
  bool whole = true;
};

WfdbAnnotations read_wfdb_annotations(const Bytes& bytes);

}  // namespace casebox::recorder::internal
