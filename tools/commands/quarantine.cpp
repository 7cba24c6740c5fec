#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/store/quarantined.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

/// Which rows are asked for.
struct Wanted {
  std::string reason;
  std::optional<CaseId> case_id;
  uint64_t rows = 0;
};

Json counts_json(const std::vector<storage::QuarantineCount>& counts, const Wanted& wanted) {
  Json out = Json::array();
  for (const storage::QuarantineCount& count : counts) {
    if (!wanted.reason.empty() && count.reason != wanted.reason) continue;
    const bool more = count.beyond > 0;
    out.push_back(
        {{"source", count.source},
         {"reason", count.reason},
         {"rows", count.rows},
         {"bytes", count.bytes},
         {"beyond", wanted.case_id ? Json(nullptr) : Json(count.beyond)},
         {"first_beyond", more ? Json(std::to_string(count.first_beyond)) : Json(nullptr)},
         {"last_beyond", more ? Json(std::to_string(count.last_beyond)) : Json(nullptr)}});
  }
  return out;
}

Json row_json(const storage::Quarantined& row) {
  return {{"source", row.source},
          {"offset", std::to_string(row.offset)},
          {"reason", row.reason},
          {"detail", row.detail},
          {"waits", row.waits},
          {"at", rfc3339(row.when)},
          {"case_id", row.case_id.is_nil() ? Json(nullptr) : Json(to_string(row.case_id))},
          {"epoch", row.epoch.value == 0 ? Json(nullptr) : Json(to_string(row.epoch))},
          {"stream_id", row.stream.value},
          {"number", std::to_string(row.number)},
          {"bytes", row.bytes.size()}};
}

Result<Json> rows_json(const storage::Store& store, const Wanted& wanted) {
  Json out = Json::array();
  for (uint32_t i = 0; i < store.shards(); ++i) {
    storage::QuarantineQuery query;
    query.case_id = wanted.case_id;
    do {
      CASEBOX_TRY(auto page, store.shard(i).quarantine(query));
      for (const storage::Quarantined& row : page.items) {
        if (out.size() >= wanted.rows) return out;
        if (wanted.reason.empty() || row.reason == wanted.reason) out.push_back(row_json(row));
      }
      query.after = std::move(page.after);
    } while (!query.after.empty() && out.size() < wanted.rows);
  }
  return out;
}

void print_quarantine(const Json& json) {
  if (json["counts"].empty()) {
    fmt::print("nothing is in quarantine{}\n",
               json["reason"].is_null() && json["case_id"].is_null() ? "" : " of this kind");
    return;
  }
  fmt::print("{:<36} {:<18} {:>8} {:>10} {:>9}\n", "source", "reason", "frames", "KiB", "not kept");
  for (const Json& count : json["counts"])
    fmt::print("{:<36} {:<18} {:>8} {:>10.1f} {:>9}\n", count["source"].get<std::string>(),
               count["reason"].get<std::string>(), count["rows"].get<uint64_t>(),
               count["bytes"].get<double>() / 1024,
               count["beyond"].is_null() ? "-" : to_text(count["beyond"]));
  if (!json["rows"].empty())
    fmt::print("\n{:<36} {:>12} {:<18} {:<36} {:>8} {}\n", "source", "offset", "reason", "case",
               "bytes", "detail");
  for (const Json& row : json["rows"])
    fmt::print("{:<36} {:>12} {:<18} {:<36} {:>8} {}\n", row["source"].get<std::string>(),
               row["offset"].get<std::string>(), row["reason"].get<std::string>(),
               row["case_id"].is_null() ? "-" : row["case_id"].get<std::string>(),
               row["bytes"].get<uint64_t>(), row["detail"].get<std::string>());
  if (const auto more = json["rows_more"].get<uint64_t>(); more > 0)
    fmt::print("and {} more; --rows lists them\n", more);
}

Result<int> run_quarantine(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox quarantine")));
  Wanted wanted;
  CASEBOX_TRY(wanted.reason, quarantine_reason(args.text("--reason")));
  if (args.integer("--rows") < 0)
    return Error{Code::kInvalidArgument, "--rows: less than none; give 0 or more"};
  wanted.rows = static_cast<uint64_t>(args.integer("--rows"));
  if (args.has("--case")) {
    CASEBOX_TRY(wanted.case_id, resolve_quarantined(*access, args.text("--case")));
  }
  CASEBOX_TRY(const auto counts, quarantine_counts(access->store(), wanted.case_id));
  Json json = document("quarantine");
  json["reason"] = wanted.reason.empty() ? Json(nullptr) : Json(wanted.reason);
  json["case_id"] = wanted.case_id ? Json(to_string(*wanted.case_id)) : Json(nullptr);
  json["counts"] = counts_json(counts, wanted);
  CASEBOX_TRY(json["rows"], rows_json(access->store(), wanted));
  uint64_t all = 0;
  for (const Json& count : json["counts"]) all += count["rows"].get<uint64_t>();
  json["rows_more"] = all - std::min<uint64_t>(all, json["rows"].size());
  if (args.json())
    print(json);
  else
    print_quarantine(json);
  return 0;
}

}  // namespace

const Command kQuarantineCommand{
    "quarantine",
    "List what the bus brought and no case took, with the reason",
    {{"--store", ArgKind::kText, "Folder of the store", "", true},
     {"--keys", ArgKind::kText, "Folder of the keystore (default: <store>/keys), for aliases"},
     {"--reason", ArgKind::kText, "Only of this reason, e.g. not-enrolled"},
     {"--case", ArgKind::kText, "Only what names this case: any id, or an alias of a stored one"},
     {"--rows", ArgKind::kInteger, "How many frames to list one by one", "20"}},
    run_quarantine,
    "Needs no key and changes nothing. Nothing in quarantine is part of a case or changes a\n"
    "verdict. `casebox requeue` looks at it again, after an enrolment, say. Kept are 10,000 "
    "frames\n"
    "a source and reason (more of what only waits for another frame); \"not kept\" are counted, "
    "and\n"
    "the bus still has them: `casebox ingest --resume-at SOURCE=OFFSET`.\n"
    "The reasons stand in docs/formats/store.md.\n"
    "Examples:\n"
    "  casebox quarantine --store S\n"
    "  casebox quarantine --store S --reason not-enrolled --rows 1000 --json"};

}  // namespace casebox::tools
