// The `casebox` binary: parses the command line and runs one command.

#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>

#include "proto/base/guard.h"
#include "tools/cli/nearest.h"
#include "tools/cli/plain_output.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

constexpr double kLargest = 1e15;  // of a number: beyond it whole ones are no longer exact

/// Numbers in the form that Args reads: a number, all of it, that can be counted with.
template <typename T>
std::string wrong_number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  const bool whole = read.ec == std::errc() && read.ptr == end;
  if constexpr (std::is_integral_v<T>) return whole ? "" : "is not a whole number";
  return whole && std::abs(static_cast<double>(value)) <= kLargest
             ? ""
             : "is not a number of at most 1e15";
}

/// A help text "[Which cases] The store" puts its option under that heading.
void set_heading(CLI::Option* option) {
  const std::string help = option->get_description();
  const size_t end = help.find("] ");
  if (!help.starts_with('[') || end == std::string::npos) return;
  option->group(help.substr(1, end - 1));
  option->description(help.substr(end + 2));
}

void declare(CLI::App& app, const Command& command, Args& args) {
  for (const Arg& arg : command.args) {
    auto& slot = args.values[arg.name];
    CLI::Option* option = nullptr;
    if (arg.kind == ArgKind::kFlag) {
      option = app.add_flag_callback(
          arg.name, [&slot] { slot.assign(1, "true"); }, arg.help);
      set_heading(option);
      continue;
    }
    if (arg.kind == ArgKind::kList) {
      option = app.add_option(arg.name, slot, arg.help);
    } else {
      option = app.add_option_function<std::string>(
          arg.name, [&slot](const std::string& value) { slot.assign(1, value); }, arg.help);
    }
    if (arg.kind == ArgKind::kInteger) option->check(CLI::Validator(wrong_number<int64_t>, "INT"));
    if (arg.kind == ArgKind::kNumber) option->check(CLI::Validator(wrong_number<double>, "NUMBER"));
    if (arg.required) option->required();
    set_heading(option);
    if (!arg.fallback.empty()) {
      args.fallbacks[arg.name] = arg.fallback;
      option->default_str(arg.fallback);
    }
  }
  auto& json = args.values["--json"];
  app.add_flag_callback(
      "--json", [&json] { json.assign(1, "true"); }, "Print the result as one JSON document");
  if (!command.details.empty()) app.footer(command.details);
}

/// "casebox analize": no command, and perhaps one is meant. Empty: it is one.
std::string unknown_command(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return "";
  std::vector<std::string> names;
  for (const Command* command : commands()) names.push_back(command->name);
  if (std::ranges::find(names, argv[1]) != names.end()) return "";
  const std::string meant = nearest(argv[1], names);
  return "no command is called '" + std::string(argv[1]) + "'" +
         (meant.empty() ? "" : ", did you mean " + meant + "?") + "; `casebox --help` lists them";
}

int run(int argc, char** argv) {
  if (const std::string unknown = unknown_command(argc, argv); !unknown.empty()) {
    std::fprintf(stderr, "casebox: command line: %s\n", printable(unknown).c_str());
    return 2;
  }
  CLI::App app{"casebox: an open surgical black box. Not a medical device."};
  app.name("casebox");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help of every command");
  int code = 0;
  std::map<const Command*, Args> parsed;
  for (const Command* command : commands()) {
    CLI::App* sub = app.add_subcommand(command->name, command->summary);
    Args& args = parsed[command];
    declare(*sub, *command, args);
    sub->callback([command, &args, &code] {
      std::erase_if(args.values, [](const auto& item) { return item.second.empty(); });
      // Data for other programs keeps every byte.
      const bool data = command->name == std::string("export") || args.flag("--csv");
      if (!data) make_output_printable();
      Result<int> result = guarded(command->name, [&] { return command->run(args); });
      const auto written = finish_output();
      if (result && written) {
        code = *result;
        return;
      }
      const Error& error = result ? written.error() : result.error();
      std::fprintf(stderr, "casebox: %s\n", printable(error.message).c_str());
      code = exit_code(error);
    });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::string command = "casebox";
    for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
    std::fprintf(stderr, "casebox: command line: %s; `%s --help` shows what it takes\n",
                 error.what(), command.c_str());
    return 2;
  }
  return code;
}

}  // namespace
}  // namespace casebox::tools

int main(int argc, char** argv) {
  // Stores, spools, keys and what is written from them belong to their owner alone, whichever
  // library makes the file.
  ::umask(077);
  // A file that may not grow is an error of the write, said with its name, and no death.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto code = casebox::guarded(
      "casebox", [&] { return casebox::Result<int>(casebox::tools::run(argc, argv)); });
  if (code) return *code;
  std::fprintf(stderr, "casebox: %s\n", code.error().message.c_str());
  return 1;
}
