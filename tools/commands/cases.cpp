#include <algorithm>
#include <cstdio>

#include "tools/case_document.h"
#include "tools/commands.h"
#include "tools/names.h"
#include "tools/progress.h"
#include "tools/query/cohort.h"

namespace casebox::tools {
namespace {

Result<int> run(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox cases")));
  CASEBOX_TRY(auto records, access->store().cases());
  std::sort(records.begin(), records.end(), [](const v1::CaseRecord& a, const v1::CaseRecord& b) {
    return std::make_pair(a.start_utc_ns(), BytesView(a.case_id())) <
           std::make_pair(b.start_utc_ns(), BytesView(b.case_id()));
  });
  Json json = document("cases");
  json["cases"] = Json::array();
  Progress progress("verify", records.size(), "cases");
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(Json one, case_header_json(access->store(), record, !args.flag("--no-verify")));
    if (args.flag("--alias")) {
      CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
      one["alias"] = access->alias_of(id);
    }
    json["cases"].push_back(std::move(one));
    progress.update(json["cases"].size());
  }
  if (args.json()) {
    print(json);
    return 0;
  }
  for (const Json& one : json["cases"])
    std::printf("%s  %-22s %-8s %-30s %9s  %-8s %s%s\n", one["case_id"].get<std::string>().c_str(),
                one["procedure"].get<std::string>().c_str(), one["room"].get<std::string>().c_str(),
                one["start"].is_null() ? "-" : one["start"].get<std::string>().c_str(),
                clock_text(one["duration_s"].get<double>()).c_str(),
                one["state"].get<std::string>().c_str(),
                one["verdict"].is_null() ? "-" : one["verdict"].get<std::string>().c_str(),
                one.contains("alias") ? ("  " + one["alias"].get<std::string>()).c_str() : "");
  std::fprintf(stderr, "%zu cases\n", json["cases"].size());
  return 0;
}

}  // namespace

const Command kCasesCommand{
    "cases", "List the cases of a store",
    with_store_args(
        {{"--no-verify", ArgKind::kFlag, "Leave the verdict out (null): faster on large stores"},
         {"--alias", ArgKind::kFlag, "Show aliases, which are sealed: each look-up is audited"}}),
    run,
    "Durations are h:mm:ss of recorded time; in JSON, seconds. The verdict is that of `casebox "
    "verify`.\n"
    "Examples:\n"
    "  casebox cases --store S\n"
    "  casebox cases --store S --no-verify --json"};

}  // namespace casebox::tools
