#pragma once

// What a text that is not UTF-8 is in, and its conversion: ICU's part of the module.
//
// Thread safety: free functions.

#include <optional>
#include <string>

#include "proto/base/bytes.h"

namespace casebox::text::internal {

constexpr const char* kLatin = "windows-1252";

/// Every byte above ASCII stands alone and is the same sign in all Latin encodings.
bool is_plain_latin(BytesView bytes);

/// The encoding's name for `convert`; "" where the bytes do not tell.
std::string detect(BytesView bytes);

/// Whether ICU has a converter of this name.
bool known(const std::string& encoding);

/// The text in UTF-8; nullopt if a byte has no meaning in the encoding.
std::optional<std::string> convert(BytesView bytes, const std::string& encoding);

}  // namespace casebox::text::internal
