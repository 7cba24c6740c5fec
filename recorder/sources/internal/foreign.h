#pragma once

// Formats of the field that are not read, by their first bytes: so that an error says what a file
// is and what to do, and not that it is damaged.
//
// Thread safety: free function.

#include <optional>
#include <string>

#include "proto/base/bytes.h"

namespace casebox::recorder::internal {

/// "this is an XDF file (Lab Streaming Layer); export its streams as CSV"; nullopt for any other.
/// `head`: the first kForeignHead bytes of the file, or all of a shorter one.
inline constexpr size_t kForeignHead = 512;
std::optional<std::string> foreign_format(BytesView head);

}  // namespace casebox::recorder::internal
