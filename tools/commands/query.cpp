#include <chrono>
#include <cstdio>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/documents/parts.h"
#include "tools/query/cohort.h"
#include "tools/store/kept_verdicts.h"

namespace casebox::tools {
namespace {

Json row_json(const query::Row& row) {
  Json out;
  out["case_id"] = to_string(row.case_id);
  out["t0_s"] = row.placed ? Json(row.t0_s) : Json(nullptr);
  out["t1_s"] = row.placed ? Json(row.t1_s) : Json(nullptr);
  out["value"] = row.value ? Json(*row.value) : Json(nullptr);
  out["what"] = row.what;
  out["sources"] = sources_json(row.sources);
  return out;
}

Result<int> run(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox query")));
  CASEBOX_TRY(const query::Answer answer, query::ask(*access, args.text("EXPR")));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  Json verdicts = Json::array();
  for (const CaseId id : answer.cases) {
    CASEBOX_TRY(const auto record, access->store().find_case(id));
    if (!record) continue;
    CASEBOX_TRY(const KeptVerdict found, verdict_of(*access, *record));
    verdicts.push_back({{"case_id", to_string(id)}, {"verdict", verify::to_string(found.verdict)}});
    if (!args.json() && !verify::is_complete(found.verdict))
      std::fprintf(stderr, "casebox: case %s is %s\n", to_string(id).c_str(),
                   verify::to_string(found.verdict));
  }
  if (args.json()) {
    Json json = document("query");
    if (args.flag("--explain")) json["plan"] = answer.plan;
    json["rows"] = Json::array();
    for (const query::Row& row : answer.rows) json["rows"].push_back(row_json(row));
    json["verdicts"] = std::move(verdicts);
    json["matching_cases"] = answer.cases.size();
    json["scanned_cases"] = answer.scanned;
    json["unknown_cases"] = answer.unknown;
    json["unanalysed_cases"] = answer.unanalysed;
    json["withheld_cases"] = answer.withheld;
    json["seconds"] = seconds;
    print(json);
    return 0;
  }
  if (args.flag("--explain"))
    for (const std::string& line : answer.plan) std::fprintf(stderr, "%s\n", line.c_str());
  for (const query::Row& row : answer.rows)
    std::printf("%s  %s - %s  %s%s\n", to_string(row.case_id).c_str(),
                row.placed ? clock_text(row.t0_s).c_str() : "withheld",
                row.placed ? clock_text(row.t1_s).c_str() : "withheld",
                row.value ? (fixed(*row.value, 1) + "  ").c_str() : "", row.what.c_str());
  std::fprintf(stderr, "%zu of %llu cases match", answer.cases.size(),
               static_cast<unsigned long long>(answer.scanned));
  if (answer.unknown > 0)
    std::fprintf(stderr, "; %llu could not be asked: no key opens them",
                 static_cast<unsigned long long>(answer.unknown));
  if (answer.unanalysed > 0)
    std::fprintf(
        stderr,
        "; of %llu nothing of the kind is known yet, casebox analyze --store %s looks for it",
        static_cast<unsigned long long>(answer.unanalysed), args.text("--store").c_str());
  if (answer.withheld > 0)
    std::fprintf(stderr, "; of %llu the times asked about are withheld, casebox show says why",
                 static_cast<unsigned long long>(answer.withheld));
  std::fprintf(stderr, "\n");
  return 0;
}

}  // namespace

const Command kQueryCommand{
    "query", "Ask a question of every case",
    with_store_args({{"EXPR", ArgKind::kText, "The condition; \"\" = every case", "", true},
                     {"--explain", ArgKind::kFlag, "Print how the condition was understood"}}),
    run,
    "Conditions: procedure, room, state (text in quotes), date (YYYY-MM-DD), duration and gaps of "
    "the case,\n"
    "phase(\"NAME\") with .duration .start .end (s) and .entries, departure(\"KIND\", \"STEP\") "
    "with KIND\n"
    "missing, extra, order, time, unobserved or justified. Compare with = != < <= > >=; join with "
    "and, or,\n"
    "not and parentheses. Times take ms, s, min, h; p1 to p99 is a percentile over the store's "
    "cases.\n"
    "Examples:\n"
    "  casebox query --store S 'procedure = \"gastric-bypass\" and phase(\"preparation\").duration "
    "> 10min'\n"
    "  casebox query --store S 'phase(\"CalotTriangleDissection\").duration > p95' --explain\n"
    "  casebox query --store S 'date >= 2026-01-01 and departure(\"missing\")' --json"};

}  // namespace casebox::tools
