#include <cstdio>

#include "tools/cli/json.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

Result<int> run_version(const Args& args) {
  if (args.json()) {
    print(document("version"));
  } else {
    std::printf("casebox %s\n", program_version().c_str());
  }
  return 0;
}

}  // namespace

const Command kVersionCommand{"version", "Print the program's version", {}, run_version, ""};

}  // namespace casebox::tools
