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

/// Prints one document on standard output with a newline.
void print(const Json& json);

/// The program's version, e.g. "0.1.0".
std::string program_version();

}  // namespace casebox::tools
