#pragma once

// Which build this program is.
//
// Thread safety: a pure function.

#include "proto/base/bytes.h"

namespace casebox::tools {

/// The linker's digest of the program's code and constants (NT_GNU_BUILD_ID); empty where it wrote
/// none. Two programs with one id do the same.
Bytes build_id();

}  // namespace casebox::tools
