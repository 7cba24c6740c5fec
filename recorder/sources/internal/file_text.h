#pragma once

// The text of a file as UTF-8, and what is said when it was not.
//
// Thread safety: free functions. Errors: kInvalidArgument for an encoding nobody knows.

#include <string>
#include <vector>

#include "proto/text/text.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

/// The notice that a text's bytes are kept escaped.
inline Skipped kept_as_bytes(const std::string& path) {
  return {
      base_name(path), 0,
      "text in an encoding that cannot be told; its bytes are kept as \\xHH, and a backslash as "
      "two; say which it is with `encoding`",
      false};
}

/// Says what became of a file's text, if anything did.
inline void say_encoding(const text::Text& told, const std::string& path,
                         std::vector<Skipped>& out) {
  if (!told.certain) {
    out.push_back(kept_as_bytes(path));
  } else if (told.encoding != "UTF-8") {
    out.push_back({base_name(path), 0, "text in " + told.encoding + "; kept as UTF-8", false});
  }
}

}  // namespace casebox::recorder::internal
