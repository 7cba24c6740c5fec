#include <fmt/format.h>

#include "ingest/bus/log_bus.h"
#include "ingest/ingest.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/store/kept_verdicts.h"
#include "tools/store/quarantined.h"
#include "tools/store/store_access.h"
#include "tools/store/trust_watch.h"

namespace casebox::tools {
namespace {

/// What the quarantine counted and did not keep, of the reasons that were looked at.
Json beyond_json(const std::vector<storage::QuarantineCount>& counts, const std::string& reason) {
  Json out = Json::array();
  for (const storage::QuarantineCount& count : counts)
    if (count.beyond > 0 && (reason.empty() || count.reason == reason))
      out.push_back({{"source", count.source},
                     {"reason", count.reason},
                     {"frames", count.beyond},
                     {"first_offset", std::to_string(count.first_beyond)},
                     {"last_offset", std::to_string(count.last_beyond)}});
  return out;
}

void print_requeue(const Json& json) {
  if (json["reasons"].empty()) {
    fmt::print("nothing to requeue: {}\n", json["left"].empty()
                                               ? "the quarantine is empty"
                                               : "no frame of this kind is in quarantine");
  } else {
    fmt::print("{:<20} {:>9} {:>9} {:>9} {:>12}\n", "reason", "frames", "taken in", "known",
               "still there");
    for (const Json& one : json["reasons"])
      fmt::print("{:<20} {:>9} {:>9} {:>9} {:>12}\n", one["reason"].get<std::string>(),
                 one["rows"].get<uint64_t>(), one["taken_in"].get<uint64_t>(),
                 one["known"].get<uint64_t>(), one["came_back"].get<uint64_t>());
  }
  for (const Json& id : json["cases"])
    fmt::print("case {} has frames that it had not\n", id.get<std::string>());
  for (const Json& one : json["left"])
    fmt::print("in quarantine: {} {}\n", one["rows"].get<uint64_t>(),
               one["reason"].get<std::string>());
  for (const Json& one : json["beyond"])
    fmt::print(
        "not kept: {} {} of {}, offsets {} to {}; to read them again from the bus: casebox "
        "ingest --resume-at {}={}\n",
        one["frames"].get<uint64_t>(), one["reason"].get<std::string>(),
        one["source"].get<std::string>(), one["first_offset"].get<std::string>(),
        one["last_offset"].get<std::string>(), one["source"].get<std::string>(),
        one["first_offset"].get<std::string>());
}

Result<int> run_requeue(const Args& args) {
  StoreOptions how = StoreOptions::from(args, "casebox requeue");
  how.write = true;
  auto opened = StoreAccess::open(how);
  if (!opened && opened.error().code == Code::kUnavailable)
    opened.error().message +=
        " (a running ingest takes in by itself what an enrolment lets in, within seconds)";
  if (!opened) return std::move(opened).error();
  StoreAccess& access = **opened;
  ingest::RequeueOptions what;
  CASEBOX_TRY(what.reason, quarantine_reason(args.text("--reason")));
  if (args.has("--case")) {
    CASEBOX_TRY(what.case_id, resolve_quarantined(access, args.text("--case")));
  }
  CASEBOX_TRY(const LoadedTrust trusted, access.trust());
  CASEBOX_TRY(auto nothing, bus::LogSubscriber::open({}));
  CASEBOX_TRY(auto loop,
              ingest::Ingest::open(*nothing, access.store(), trusted.list, access.clock()));
  Progress progress("looking again", 0, "frames");
  what.progress = [&](uint64_t rows) { progress.update(rows); };
  CASEBOX_TRY(const auto report, loop->requeue(what));
  // Of a part the next ingest still has to look at the rest.
  CASEBOX_CHECK(keep_trust_list(access, trusted.list, what.reason.empty() && !what.case_id));
  CASEBOX_CHECK(keep_verdicts(access, loop->touched()));

  Json json = document("requeue");
  json["reason"] = what.reason.empty() ? Json(nullptr) : Json(what.reason);
  json["case_id"] = what.case_id ? Json(to_string(*what.case_id)) : Json(nullptr);
  json["reasons"] = Json::array();
  for (const auto& [code, line] : report.reasons)
    json["reasons"].push_back({{"reason", code},
                               {"rows", line.taken_in + line.known + line.came_back},
                               {"taken_in", line.taken_in},
                               {"known", line.known},
                               {"came_back", line.came_back}});
  json["cases"] = Json::array();
  for (const CaseId id : loop->touched()) json["cases"].push_back(to_string(id));
  CASEBOX_TRY(const auto counts, quarantine_counts(access.store()));
  std::map<std::string, uint64_t> left;
  for (const auto& count : counts) left[count.reason] += count.rows;
  json["left"] = Json::array();
  for (const auto& [code, rows] : left)
    if (rows > 0) json["left"].push_back({{"reason", code}, {"rows", rows}});
  json["beyond"] = beyond_json(counts, what.reason);
  if (args.json())
    print(json);
  else
    print_requeue(json);
  return 0;
}

}  // namespace

const Command kRequeueCommand{
    "requeue", "Look at quarantined frames again, after somebody was enrolled",
    with_trust_args(
        {{"--store", ArgKind::kText, "Folder of the store", "", true},
         {"--keys", ArgKind::kText, "Folder of the keystore (default: <store>/keys)"},
         {"--reason", ArgKind::kText, "Only frames with this reason, e.g. not-enrolled"},
         {"--case", ArgKind::kText,
          "Only what names this case: any id, or an alias of a stored one"}}),
    run_requeue,
    "What a case may have now is taken in and verified like everything else; the rest stays where\n"
    "it is. The list of today decides: --trust, or the keystore's. Ingest does the same by itself\n"
    "when it begins and when the list changes while it runs, for what an enrolment decides; this\n"
    "looks at everything. Refused (exit code 1) while another program writes the store.\n"
    "Examples:\n"
    "  casebox keys enrol --name or-3 --role recorder --key or-3.pub --keys S/keys\n"
    "  casebox requeue --store S\n"
    "  casebox requeue --store S --reason not-enrolled --trust site.trust --json"};

}  // namespace casebox::tools
