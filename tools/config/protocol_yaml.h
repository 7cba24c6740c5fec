#pragma once

// Protocol files: YAML to the protocol message, with the lines of its steps and checks for
// messages.
//
// Thread safety: free functions. Errors: as read_yaml; what compile refuses is kInvalidArgument
// with the file and, where it names a step or a check, the line.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/protocol/norm.h"
#include "casebox/v1/protocol.pb.h"
#include "proto/base/result.h"

namespace casebox::tools {

struct ProtocolFile {
  v1::Protocol protocol;
  std::map<std::string, int> step_lines;   // by step id
  std::vector<int> check_lines;            // by index
  std::map<std::string, int> check_names;  // by check id
};

Result<ProtocolFile> read_protocol(std::string_view text, const std::string& name);
/// Read and compiled.
Result<analytics::protocol::Norm> compile_protocol(const ProtocolFile& file,
                                                   const std::string& name);

}  // namespace casebox::tools
