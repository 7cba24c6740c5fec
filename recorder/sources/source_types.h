#pragma once

// The types of sources there are, in one list: what the configuration may name, what opens it, and
// which stream is expected of it before it has brought anything (recorder/expected.h). Adding one
// is a file pair and a line in factory.cpp.
//
// Thread safety: a constant.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "casebox/v1/stream.pb.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

struct SourceType {
  const char* name;  // as `type` in the configuration
  Result<std::unique_ptr<Source>> (*open)(Context);
  const char* stream;  // what it brings first: "<source><stream>"
  v1::StreamKind kind;
  v1::StreamClass kept;
  const char* device;
};

std::span<const SourceType> source_types();
/// Null for a type that there is not.
const SourceType* source_type(std::string_view name);
/// "media, vital, ... or simulator", for people.
std::string source_type_names();

}  // namespace casebox::recorder
