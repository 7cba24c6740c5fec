#pragma once

// Units as devices write them, to UCUM where the meaning is beyond doubt; anything else stays as it
// is.
//
// Thread safety: free functions.

#include <string>

namespace casebox::recorder::internal {

/// "mmHg" -> "mm[Hg]", "degC" -> "Cel", "" -> "1"; a micro sign is "u".
std::string ucum(const std::string& unit);

}  // namespace casebox::recorder::internal
