#include "tools/config/protocol_yaml.h"

#include <yaml-cpp/yaml.h>

#include "tools/config/lay_words.h"
#include "tools/config/yaml.h"

namespace casebox::tools {
namespace {

std::string scalar(const YAML::Node& node) {
  return node && node.IsScalar() ? node.Scalar() : std::string();
}

/// Line of the step or check that a message of compile() quotes; 0 if it quotes none.
int line_of(const ProtocolFile& file, const std::string& message) {
  const size_t from = message.find('\'');
  const size_t to = from == std::string::npos ? from : message.find('\'', from + 1);
  if (to == std::string::npos) return 0;
  const std::string quoted = message.substr(from + 1, to - from - 1);
  if (message.starts_with("check '")) {
    const auto it = file.check_names.find(quoted);
    return it == file.check_names.end() ? 0 : it->second;
  }
  const auto it = file.step_lines.find(quoted);
  return it == file.step_lines.end() ? 0 : it->second;
}

}  // namespace

Result<ProtocolFile> read_protocol(std::string_view text, const std::string& name) {
  ProtocolFile out;
  CASEBOX_CHECK(read_yaml(text, name, out.protocol, kLayKey));
  CASEBOX_CHECK(read_lay_words(text, name));
  // It is YAML of the right form: only the marks are wanted now.
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    for (const YAML::Node& step : root["steps"])
      out.step_lines.emplace(scalar(step["id"]), step.Mark().line + 1);
    for (const YAML::Node& check : root["checks"]) {
      out.check_lines.push_back(check.Mark().line + 1);
      if (const std::string id = scalar(check["id"]); !id.empty())
        out.check_names.emplace(id, check.Mark().line + 1);
    }
  } catch (const YAML::Exception& e) {
    return Error{Code::kInvalidArgument, name + ": not YAML: " + e.msg + "; mend the file"};
  }
  return out;
}

Result<analytics::protocol::Norm> compile_protocol(const ProtocolFile& file,
                                                   const std::string& name) {
  auto norm = analytics::protocol::compile(file.protocol);
  if (norm) return norm;
  const int line = line_of(file, norm.error().message);
  return Error{norm.error().code,
               name + (line > 0 ? ":" + std::to_string(line) : "") + ": " + norm.error().message};
}

}  // namespace casebox::tools
