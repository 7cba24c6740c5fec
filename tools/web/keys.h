#pragma once

// How the page names streams and channels in URLs: by name where the vocabulary knows it, by the
// token that stands in the clear otherwise, since URLs end up in histories and logs.
//
// Thread safety: free functions.
// Errors: an empty result: the case has none of that key or name.

#include <optional>
#include <string>

#include "storage/reader/case_reader.h"

namespace casebox::tools::web {

std::string key_of(const v1::Stream& stream);
std::string key_of(const v1::Channel& channel);
/// The recorder's stream of a key or a name.
std::optional<v1::Stream> stream_by_key(const storage::CaseReader& reader, const std::string& key);
const v1::Channel* channel_by_key(const v1::Stream& stream, const std::string& key);

}  // namespace casebox::tools::web
