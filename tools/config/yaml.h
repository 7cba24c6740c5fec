#pragma once

// YAML to protobuf messages, for any message: field names as in the schema, enumerations by their
// lower-case code, bytes as hex, maps as maps. An unknown field, a repeated key or a value of the
// wrong type is an error that names file and line and lists what would be right. Text is UTF-8, or
// UTF-16 with its byte order mark; any other is an error that names its line.
//
// Limits: 1 MiB of text, 64 levels, 100,000 nodes (so that aliases cannot blow up).
// Thread safety: free functions.
// Errors: kInvalidArgument `<name>:<line>: <what>; <what to do>`, kNotFound or kIo for the file.

#include <google/protobuf/message.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::tools {

/// Fills `into` from YAML text; `name` stands for the text in errors. `beside`: a top-level key
/// that is passed over, as something else reads it.
Result<void> read_yaml(std::string_view from, const std::string& name,
                       google::protobuf::Message& into, const std::string& beside = "");
/// The same from a file.
Result<void> read_yaml_file(const std::filesystem::path& file, google::protobuf::Message& into);
/// The message as YAML that read_yaml reads back; `all` writes unset fields too, with their
/// defaults.
std::string write_yaml(const google::protobuf::Message& message, bool all);

/// A whole small text file; kNotFound if absent, kInvalidArgument above `limit` bytes.
Result<std::string> read_text_file(const std::filesystem::path& file, size_t limit = 1 << 20);

}  // namespace casebox::tools
