#pragma once

// What the protocols that the program carries call a procedure and its steps to a patient.
//
// Thread safety: free functions. Errors: those of reading a protocol file.

#include "proto/base/result.h"
#include "tools/config/lay_words.h"

namespace casebox::tools {

/// Of the protocol for this procedure, whichever version a case was compared with: words name a
/// step, and do not say what it should be. Empty if none is carried.
Result<LayWords> lay_words_for(const std::string& procedure);

}  // namespace casebox::tools
