#include <cstdio>

#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/documents/case_document.h"

namespace casebox::tools {
namespace {

std::string ended_text(const Json& ended) {
  if (ended == "stopped") return "; somebody, a rule or a limit of time stopped the recording";
  if (ended == "source-lost") return "; a source failed and did not come back";
  if (ended == "recovered") return "; a crash ended the recording";
  return "";
}

/// Integrity is what the verdict is about, and the trail of who opened what.
int code_of(const Json& json) {
  const std::string verdict = json["verdict"].get<std::string>();
  const bool holds =
      verdict.starts_with("COMPLETE") || verdict == verify::to_string(verify::Verdict::kUnclosed);
  if (!holds) return 3;
  return json["refused"].get<bool>() ? 4 : 0;
}

void print_show(const Json& json) {
  const auto text = [&](const char* key) {
    return json[key].is_string() ? json[key].get<std::string>() : std::string("-");
  };
  // What does not hold says so before anything else.
  const std::string verdict = text("verdict");
  const bool holds =
      verdict.starts_with("COMPLETE") || verdict == verify::to_string(verify::Verdict::kUnclosed);
  if (!verdict.starts_with("COMPLETE")) {
    std::printf("%s: this case is not a complete record as it was signed\n", verdict.c_str());
    for (const Json& problem : json["problems"])
      std::printf("  %s: %s\n", problem["where"].get<std::string>().c_str(),
                  problem["detail"].get<std::string>().c_str());
  }
  std::printf("case       %s%s\n", text("case_id").c_str(),
              text("alias").empty() ? "" : ("  (" + text("alias") + ")").c_str());
  std::printf(
      "procedure  %s, room %s\nstart      %s\nlength     %s\nverdict    %s (%s)\ndigest     %s\n",
      text("procedure").c_str(), text("room").c_str(), text("start").c_str(),
      clock_text(json["duration_s"].get<double>()).c_str(), text("verdict").c_str(),
      (text("state") + ended_text(json["ended"])).c_str(), text("case_digest").c_str());
  if (json["sealed"].get<bool>())
    std::printf(
        "content    %s\n",
        holds ? ((json["refused"].get<bool>() ? "refused: " : "sealed: ") + text("sealed_reason"))
                    .c_str()
              : "withheld, for what does not hold; --unproven shows it, marked");
  std::printf("streams\n");
  for (const Json& stream : json["streams"])
    std::printf(
        "  %-26s %-12s %10llu items  %6llu missing  %4llu gaps  %9.1f KiB%s\n",
        stream["name"].get<std::string>().c_str(), stream["kind"].get<std::string>().c_str(),
        stream["items"].get<unsigned long long>(), stream["missing"].get<unsigned long long>(),
        stream["gap_frames"].get<unsigned long long>(), stream["bytes_stored"].get<double>() / 1024,
        stream["derived"].get<bool>() ? "  derived" : "");
  for (const Json& name : json["not_open"])
    std::printf("  of %s nothing is read: its class is not open to this reader\n",
                name.get<std::string>().c_str());
  if (!json["phases"].empty()) std::printf("phases\n");
  const auto time = [](const Json& at) {
    return at.is_null() ? std::string("withheld") : clock_text(at.get<double>());
  };
  for (const Json& phase : json["phases"])
    std::printf("  %10s - %10s  %s\n", time(phase["start_s"]).c_str(), time(phase["end_s"]).c_str(),
                phase["phase"].get<std::string>().c_str());
  for (const Json& why : json["timing_withheld"])
    std::printf("  how long they took is withheld: %s\n", why.get<std::string>().c_str());
  if (!json["departures"].empty()) std::printf("departures\n");
  for (const Json& fact : json["departures"])
    std::printf("  %10s  %-10s %-12s %s\n", time(fact["t0_s"]).c_str(),
                fact["kind"].get<std::string>().c_str(),
                fact["certainty"].get<std::string>().c_str(),
                fact["text"].get<std::string>().c_str());
}

Result<int> run_show(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox show")));
  CASEBOX_TRY(const CaseId id, access->resolve_case(args.text("CASE")));
  CASEBOX_TRY(const Json body,
              case_full_json(*access, id, !args.flag("--no-digests"), args.flag("--verify")));
  if (args.json()) {
    Json json = document("show");
    json.update(body);
    print(json);
  } else {
    print_show(body);
  }
  if (body["refused"].get<bool>())
    std::fprintf(stderr, "casebox: %s\n", body["sealed_reason"].get<std::string>().c_str());
  // What is sealed for want of a trail that holds is no matter of keys.
  if (body["sealed"].get<bool>() && !body["refused"].get<bool>())
    CASEBOX_CHECK(access->trail_holds());
  return code_of(body);
}

}  // namespace

const Command kShowCommand{
    "show", "Show one case in full",
    with_store_args(
        {{"CASE", ArgKind::kText, "Case id, the first digits of one, or an alias", "", true},
         {"--verify", ArgKind::kFlag,
          "Read every byte for the verdict, not only signatures and chains"},
         {"--no-digests", ArgKind::kFlag, "Do not read every sample for the channel digests"}}),
    run_show,
    "Exit code 3: the case is damaged, tampered with or a stranger's; 4: consent or access forbids "
    "its\ncontent, and only its accounting is shown.\n"
    "Times are h:mm:ss.s from the case's start; in JSON, seconds. KiB are what the store counts "
    "it\n"
    "keeps, not proven.\n"
    "Examples:\n"
    "  casebox show 3f2a --store S\n"
    "  casebox show 3f2a --store S --json"};

}  // namespace casebox::tools
