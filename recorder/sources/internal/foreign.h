#pragma once

// Formats of the field by their first bytes: those that are not read, so that an error says what a
// file is and what to do, and not that it is damaged; and those that have a reader whatever the
// file is called.
//
// Thread safety: free function.

#include <optional>
#include <string>

#include "proto/base/bytes.h"

namespace casebox::recorder::internal {

/// "this is an XDF file (Lab Streaming Layer); export its streams as CSV"; nullopt for any other.
/// `head`: the first kForeignHead bytes of the file, or all of a shorter one.
inline constexpr size_t kForeignHead = 8192;
std::optional<std::string> foreign_format(BytesView head);

/// A format that has a reader of its own here, and what it is told by.
struct KnownFormat {
  const char* type;  // of the source
  const char* what;  // "an EDF file"
};
std::optional<KnownFormat> known_format(BytesView head);

}  // namespace casebox::recorder::internal
