#include "tools/cli/json.h"

#include <cstdio>

namespace casebox::tools {
namespace {

Json read_as;

}  // namespace

Json document(const std::string& command, int version) {
  Json json;
  json["schema"] = "casebox." + command + "/" + std::to_string(version);
  json["version"] = program_version();
  return json;
}

void set_access(Json access) { read_as = std::move(access); }

void print_line(const Json& json) {
  const std::string text = to_text(json);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void print(const Json& json) {
  if (read_as.is_null() || !json.is_object()) return print_line(json);
  Json whole = json;
  whole["access"] = read_as;
  print_line(whole);
}

std::string program_version() { return CASEBOX_VERSION; }

}  // namespace casebox::tools
