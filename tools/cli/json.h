#pragma once

// JSON documents of commands and of the HTTP API: keys in the order written, one place that adds
// schema and version, one that prints. Include it in .cpp files only: the library costs seconds to
// compile (precompiled for this folder).

#include <nlohmann/json.hpp>

#include <string>

#include "proto/base/result.h"

namespace casebox::tools {

using Json = nlohmann::ordered_json;

/// {"schema": "casebox.<command>/<version>", "version": "<program version>"}: every document begins
/// so.
Json document(const std::string& command, int version = 1);

/// The only way from JSON to text: dump() throws at a string that is not UTF-8, which a forged or
/// foreign file can bring; here it shows replacement characters.
inline std::string to_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// Prints one document on standard output with a newline, with `access` in it once set_access was
/// called.
void print(const Json& json);

/// One of many lines, as it is.
void print_line(const Json& json);

/// As whom, and for what, this run of the program read content: said in the document it prints.
void set_access(Json access);

/// The program's version, e.g. "0.1.0".
std::string program_version();

}  // namespace casebox::tools
