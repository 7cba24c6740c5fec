#include "tools/cli/json.h"

#include <cstdio>

namespace casebox::tools {

Json document(const std::string& command, int version) {
  Json json;
  json["schema"] = "casebox." + command + "/" + std::to_string(version);
  json["version"] = program_version();
  return json;
}

void print(const Json& json) {
  const std::string text = to_text(json);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

std::string program_version() { return CASEBOX_VERSION; }

}  // namespace casebox::tools
