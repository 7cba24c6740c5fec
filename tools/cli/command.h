#pragma once

// A command of the `casebox` binary, declared as data: one file per command in tools/commands/
// defines `const Command k<Name>Command`, and commands.cpp there lists them. Only tools/main.cpp
// includes CLI11.
//
// Conventions (docs/formats/json.md): with --json exactly one JSON document on standard output,
// people's text and progress on standard error; exit codes 0 ok, 1 failed, 2 usage or bad input, 3
// integrity violation or loss, 4 refused by the gate (consent, role, purpose: docs/access.md).

#include <map>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox::tools {

enum class ArgKind { kFlag, kText, kInteger, kNumber, kList };

/// One option ("--store") or positional ("CASE", no dashes).
struct Arg {
  std::string name;
  ArgKind kind = ArgKind::kText;
  std::string help;
  std::string fallback;  // shown in --help; "" = none
  bool required = false;
};

/// Parsed arguments of one call.
class Args {
 public:
  bool flag(const std::string& name) const;
  bool has(const std::string& name) const;
  std::string text(const std::string& name) const;  // fallback if not given
  int64_t integer(const std::string& name) const;
  double number(const std::string& name) const;
  /// A number of seconds; kInvalidArgument for more than a Duration holds.
  Result<Duration> seconds(const std::string& name) const;
  /// Sets `time` to the case time that an option gives, if it is given.
  Result<void> set_time(const std::string& name, CaseTime& time) const;
  const std::vector<std::string>& list(const std::string& name) const;
  bool json() const { return flag("--json"); }

  std::map<std::string, std::vector<std::string>> values;  // filled by main.cpp
  std::map<std::string, std::string> fallbacks;
};

struct Command {
  std::string name;
  std::string summary;
  std::vector<Arg> args;  // --json is added to every command
  /// Returns the exit code; an Error is printed as `casebox: <message>` and becomes 1, 2 or 3 by
  /// its code.
  Result<int> (*run)(const Args& args) = nullptr;
  std::string details;  // shown below the options in --help
};

/// Exit code of an error: kInvalidArgument, kNotFound and kUnsupported 2, kCorrupt and kConflict 3,
/// kRefused 4, else 1.
int exit_code(const Error& error);

}  // namespace casebox::tools
