// casebox case: what people ask of the recorder that stands in their room.

#include <fmt/format.h>

#include <cstdio>

#include "tools/cli/json.h"
#include "tools/commands/commands.h"
#include "tools/config/config.h"
#include "tools/room/control_socket.h"

namespace casebox::tools {
namespace {

Result<std::string> control_of(const Args& args) {
  if (args.has("--control")) return args.text("--control");
  if (!args.has("--config"))
    return Error{Code::kInvalidArgument,
                 "case: which recorder? give --control SOCKET, or the --config that it runs with"};
  CASEBOX_TRY(const auto config, load_appliance_config(args.text("--config")));
  return config.cases().control();
}

void print_state(const Json& state) {
  fmt::print("{} for {:.0f} s\n", state.value("state", ""), state.value("since_s", 0.0));
  if (state.contains("case_id") && state["case_id"].is_string())
    fmt::print("case {}, {:.0f} s long\n", state["case_id"].get<std::string>(),
               state.value("case_s", 0.0));
  for (const Json& source : state.value("sources", Json::array())) {
    // A gap whose items nobody can count adds none to them.
    const uint64_t lost = source.value("lost_5min", uint64_t{0});
    const uint64_t gaps = source.value("gaps_5min", uint64_t{0});
    fmt::print("{:<16} {:<14} lost {} in {} gaps in the last 5 min{}\n", source.value("name", ""),
               source.value("state", ""),
               lost == 0 && gaps > 0 ? "an unknown number" : std::to_string(lost), gaps,
               source.value("message", "").empty() ? "" : ": " + source.value("message", ""));
  }
  for (const Json& trouble : state.value("troubles", Json::array()))
    fmt::print("! {}\n", trouble.get<std::string>());
}

Result<int> run_case(const Args& args) {
  const std::string action = args.text("ACTION");
  CASEBOX_TRY(const std::string control, control_of(args));
  Json asked = {{"do", action}};
  for (const char* option : {"reason", "role", "procedure"})
    if (args.has(std::string("--") + option)) asked[option] = args.text(std::string("--") + option);
  CASEBOX_TRY(const std::string text, ask_recorder(control, to_text(asked)));
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) return Error{Code::kInternal, "case: the recorder's answer is no JSON"};
  if (!answer.value("ok", false))
    return Error{answer.value("code", 1) == 2 ? Code::kInvalidArgument : Code::kInternal,
                 "case " + action + ": " + answer.value("error", "refused")};
  const Json state = answer.value("state", Json::object());
  if (args.json()) {
    Json doc = document("case");
    doc["action"] = action;
    doc["state"] = state;
    print(doc);
  } else {
    print_state(state);
  }
  return 0;
}

}  // namespace

const Command kCaseCommand{
    "case",
    "Begin, end, pause or resume the case of a running recorder, or ask how it is doing",
    {{"ACTION", ArgKind::kText, "begin, end, pause, resume or status", "", true},
     {"--control", ArgKind::kText, "Socket of the recorder (default: of --config)"},
     {"--config", ArgKind::kText, "Configuration that the recorder runs with"},
     {"--reason", ArgKind::kText, "Code; a pause needs one: privacy, patient-request, ..."},
     {"--role", ArgKind::kText, "Who asks: surgeon, nurse, anaesthetist, ...", "operator"},
     {"--procedure", ArgKind::kText, "Of the case that begins, where it is another"}},
    run_case,
    "What is asked, by which role and why, is written into the record. Exit code 2 where it makes\n"
    "no sense now (no case to end), 1 where no recorder answers. For a recorder that was started\n"
    "with casebox record --appliance; its socket may be opened by its own user only."};

}  // namespace casebox::tools
