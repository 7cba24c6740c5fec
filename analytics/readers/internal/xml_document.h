#pragma once

// A small XML document in memory, checked for size and depth, looked at by local names.
//
// Thread safety: one thread. Errors: kInvalidArgument `<name>: <what>`.

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::analytics::readers::internal {

/// Parses into `into`. Entities are never expanded (beyond the five of XML itself); a document that
/// declares one is refused.
Result<void> parse_xml(std::string_view text, const std::string& name, pugi::xml_document& into);

/// Name without a namespace prefix.
std::string_view local_name(const pugi::xml_node& node);
/// First child with that local name; may be null.
pugi::xml_node child(const pugi::xml_node& node, std::string_view name);
/// Text of <node><text>..</text></node>, trimmed; "" if there is none.
std::string text_of(const pugi::xml_node& node);

}  // namespace casebox::analytics::readers::internal
