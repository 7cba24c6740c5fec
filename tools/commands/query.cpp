#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/commands/query_text.h"
#include "tools/documents/parts.h"
#include "tools/findings/norms.h"
#include "tools/query/sql_answer.h"
#include "tools/store/kept_verdicts.h"

namespace casebox::tools {
namespace {

using Verdicts = std::map<CaseId, std::string>;

const char* to_string(query::Why why) {
  switch (why) {
    case query::Why::kSealed: return "sealed";
    case query::Why::kUnanalysed: return "unanalysed";
    case query::Why::kWithheld: return "withheld";
    case query::Why::kNotRecorded: return "not-recorded";
    case query::Why::kUndated: return "undated";
    case query::Why::kRefused: return "refused";
  }
  return "";
}

Json row_json(const query::Row& row, const Verdicts& verdicts) {
  Json out;
  out["case_id"] = to_string(row.case_id);
  const auto verdict = verdicts.find(row.case_id);
  out["verdict"] = verdict == verdicts.end() ? Json(nullptr) : Json(verdict->second);
  out["t0_s"] = row.placed ? Json(row.t0_s) : Json(nullptr);
  out["t1_s"] = row.placed ? Json(row.t1_s) : Json(nullptr);
  out["value"] = row.value ? Json(*row.value) : Json(nullptr);
  out["u95_s"] = row.u95_s ? Json(*row.u95_s) : Json(nullptr);
  out["sure"] = row.sure;
  out["certainty"] = row.certainty.empty() ? Json(nullptr) : Json(row.certainty);
  out["what"] = row.what;
  out["sources"] = sources_json(row.sources);
  return out;
}

Json answer_json(const query::Answer& answer, const Verdicts& verdicts, const Args& args,
                 bool counted) {
  Json json = document("query");
  if (args.flag("--explain")) json["plan"] = answer.plan;
  if (counted) {
    json["groups"] = Json::array();
    for (const auto& [name, group] : answer.groups)
      json["groups"].push_back({{"group", name.empty() ? Json(nullptr) : Json(name)},
                                {"matching", group.matching},
                                {"asked", group.asked},
                                {"not_asked", group.not_asked}});
  }
  json["rows"] = Json::array();
  if (!counted)
    for (const query::Row& row : answer.rows) json["rows"].push_back(row_json(row, verdicts));
  json["verdicts"] = Json::array();
  for (const CaseId id : answer.cases)
    if (const auto verdict = verdicts.find(id); verdict != verdicts.end())
      json["verdicts"].push_back({{"case_id", to_string(id)}, {"verdict", verdict->second}});
  json["matching_cases"] = answer.cases.size();
  json["scanned_cases"] = answer.scanned;
  json["unsure_matches"] = answer.unsure_matches;
  json["unsure_misses"] = answer.unsure_misses;
  json["unknown_cases"] = answer.unknown;
  json["unanalysed_cases"] = answer.unanalysed;
  json["withheld_cases"] = answer.withheld;
  json["unrecorded_cases"] = answer.unrecorded;
  json["refused_cases"] = answer.refused;
  json["cases_not_asked"] = Json::array();
  for (const query::NotAsked& one : answer.not_asked)
    json["cases_not_asked"].push_back({{"case_id", to_string(one.case_id)},
                                       {"about", to_string(one.why)},
                                       {"reason", one.reason}});
  json["notices"] = answer.notices;
  return json;
}

Result<std::vector<v1::Protocol>> norms_of(const Args& args) {
  std::vector<v1::Protocol> out;
  for (const std::string& name : args.list("--protocol")) {
    CASEBOX_TRY(NormFile file, load_norm(name));
    out.push_back(std::move(file.norm.source));
  }
  return out;
}

/// Of every case that matches.
Result<Verdicts> verdicts_of(StoreAccess& access, const query::Answer& answer) {
  CASEBOX_TRY(const auto trusted, access.trust_if_any());
  Verdicts out;
  for (const CaseId id : answer.cases) {
    if (const auto known = answer.verdicts.find(id); known != answer.verdicts.end()) {
      out.insert(*known);
      continue;
    }
    CASEBOX_TRY(const auto row, access.store().find_row(id));
    if (!row) continue;
    CASEBOX_TRY(const KeptVerdict found, verdict_of(access, *row, address(trusted)));
    out[id] = verify::to_string(found.verdict);
  }
  return out;
}

bool is_complete(const std::string& verdict) {
  return verdict == verify::to_string(verify::Verdict::kComplete) ||
         verdict == verify::to_string(verify::Verdict::kCompleteWithDeclaredGaps);
}

/// Cases that were not asked because the audit trail does not hold are no answer.
Result<int> code_of(const StoreAccess& access, size_t not_asked) {
  if (not_asked > 0) CASEBOX_CHECK(access.trail_holds());
  return 0;
}

Result<int> answer_expression(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  query::Asked how;
  CASEBOX_TRY(how.by, query::by_from(args.text("--by")));
  CASEBOX_TRY(how.norms, norms_of(args));
  const bool counted = args.flag("--count") || how.by != query::By::kNone;
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox query")));
  CASEBOX_TRY(const query::Answer answer,
              query::ask(*access, args.text("EXPR"), keyring::Purpose::kAnalysis, how));
  CASEBOX_TRY(const Verdicts verdicts, verdicts_of(*access, answer));
  if (!args.json())
    for (const CaseId id : answer.cases)
      if (const auto at = verdicts.find(id); at != verdicts.end() && !is_complete(at->second))
        std::fprintf(stderr, "casebox: case %s is %s\n", to_string(id).c_str(), at->second.c_str());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (args.json()) {
    Json json = answer_json(answer, verdicts, args, counted);
    json["seconds"] = seconds;
    print(json);
    return code_of(*access, answer.not_asked.size());
  }
  if (args.flag("--explain"))
    for (const std::string& line : answer.plan) std::fprintf(stderr, "%s\n", line.c_str());
  if (counted) {
    print_groups(answer);
  } else {
    print_rows(answer);
  }
  print_summary(answer, args.text("--store"));
  return code_of(*access, answer.not_asked.size());
}

Json cell_json(const query::Cell& cell) {
  if (const auto* whole = std::get_if<int64_t>(&cell)) return *whole;
  if (const auto* real = std::get_if<double>(&cell))
    return std::isfinite(*real) ? Json(*real) : Json(nullptr);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return nullptr;
}

Json sql_json(const query::StoreAnswer& answer) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  Json json = document("query");
  json["columns"] = Json::array();
  for (const query::SqlColumn& column : answer.answer.columns)
    json["columns"].push_back(
        {{"name", column.name}, {"type", or_null(column.type)}, {"unit", or_null(column.unit)}});
  json["rows"] = Json::array();
  for (const query::Cells& row : answer.answer.rows) {
    Json cells = Json::array();
    for (const query::Cell& cell : row) cells.push_back(cell_json(cell));
    json["rows"].push_back(std::move(cells));
  }
  json["scanned_cases"] = answer.scanned;
  json["cases_asked"] = answer.asked;
  json["refused_cases"] = answer.refused;
  json["cases_not_asked"] = Json::array();
  for (const query::CaseNotAsked& one : answer.not_asked)
    json["cases_not_asked"].push_back(
        {{"case_id", to_string(one.case_id)}, {"about", one.about}, {"reason", one.reason}});
  json["incomplete"] = Json::array();
  for (const auto& [id, verdict] : answer.incomplete)
    json["incomplete"].push_back({{"case_id", to_string(id)}, {"verdict", verdict}});
  json["notices"] = answer.notices;
  return json;
}

Result<int> answer_sql(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  query::SqlLimits limits;
  if (args.integer("--limit-ms") < 1 || args.integer("--limit-ms") > 3'600'000)
    return Error{Code::kInvalidArgument, "--limit-ms: from 1 to 3600000; leave it out for 10000"};
  limits.time = std::chrono::milliseconds(args.integer("--limit-ms"));
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox query")));
  CASEBOX_TRY(const query::StoreAnswer answer, query::ask_sql(*access, args.text("--sql"), limits));
  if (args.json()) {
    Json json = sql_json(answer);
    json["seconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    print(json);
    return code_of(*access, answer.not_asked.size());
  }
  if (args.flag("--csv")) {
    print_csv(answer.answer);
  } else {
    print_table(answer.answer);
  }
  print_summary(answer);
  return code_of(*access, answer.not_asked.size());
}

int print_schema(const Args& args) {
  if (!args.json()) {
    print_relations();
    return 0;
  }
  Json json = document("query");
  json["relations"] = Json::array();
  for (const query::Relation& relation : query::relations()) {
    Json one = {{"name", relation.name}, {"means", relation.means}};
    one["columns"] = Json::array();
    for (const query::Column& column : relation.columns)
      one["columns"].push_back({{"name", column.name},
                                {"type", query::to_string(column.type)},
                                {"unit", column.unit.empty() ? Json(nullptr) : Json(column.unit)},
                                {"means", column.means}});
    json["relations"].push_back(std::move(one));
  }
  print(json);
  return 0;
}

Result<int> run_query(const Args& args) {
  const int asked = args.has("EXPR") + args.has("--sql") + args.flag("--schema");
  if (asked != 1)
    return Error{Code::kInvalidArgument,
                 "query: one question at a time; give EXPR (\"\" = every case), --sql or --schema"};
  if (args.flag("--schema")) return print_schema(args);
  if (!args.has("--store"))
    return Error{Code::kInvalidArgument, "query: --store is missing; name the folder of the store"};
  if (!args.has("--sql")) return answer_expression(args);
  if (args.flag("--count") || args.has("--by") || args.flag("--explain"))
    return Error{Code::kInvalidArgument,
                 "query: --count, --by and --explain go with EXPR; SQL counts by itself"};
  return answer_sql(args);
}

std::vector<Arg> args_of() {
  auto out = with_store_args(
      {{"EXPR", ArgKind::kText, "The condition; \"\" = every case", "", false},
       {"--sql", ArgKind::kText, "A SELECT over the relations that --schema lists"},
       {"--schema", ArgKind::kFlag, "List the relations and their columns with units"},
       {"--count", ArgKind::kFlag, "Count cases instead of listing places"},
       {"--by", ArgKind::kText,
        "Count by procedure, room, state, verdict, norm, year, quarter or month"},
       {"--csv", ArgKind::kFlag, "Print what --sql answers as CSV"},
       {"--limit-ms", ArgKind::kInteger, "Longest time of a SELECT once cases are read", "10000"},
       {"--protocol", ArgKind::kList, "Norms whose names are known besides the program's own"},
       {"--explain", ArgKind::kFlag, "Print how the condition was understood"}});
  for (Arg& arg : out)
    if (arg.name == "--store") arg.required = false;  // --schema needs none
  return out;
}

}  // namespace

const Command kQueryCommand{
    "query", "Ask a question of every case", args_of(), run_query,
    "Conditions: procedure, room, state, verdict, norm (.id .version), phase_source (text in "
    "quotes), date\n"
    "(YYYY-MM-DD), duration and gaps of the case (.missing), withheld, compared, "
    "consent(\"SCOPE\"), "
    "clock (.broken\n"
    ".sets .bound .count), twin (.forecasts .late .coverage90);\n"
    "phase(\"NAME\"), step(\"NAME\"), span(\"NAME\") with .duration .start .end (s) and .entries;\n"
    "departure(\"KIND\", \"STEP\", \"CERTAINTY\") with .count .certainty .value, KIND missing, "
    "extra, order, time,\n"
    "unobserved or justified; event(\"CODE\"), alarm(\"CODE\") (.priority), door, mark(\"CODE\", "
    "\"LABEL\"),\n"
    "checklist(\"CODE\") (.complete) with .count .first .last, vitals(\"CHANNEL\") with .min .max "
    ".mean .count,\n"
    "each of these also within phase(\"NAME\").\n"
    "Compare with = != < <= > >=; calculate with + - * /; join with and, or, not and parentheses. "
    "Times take\n"
    "ms, s, min, h; p1 to p99 is a percentile over the store's cases. Names that no case and no "
    "norm has are\n"
    "errors. docs/query.md tells what each rests on.\n"
    "Examples:\n"
    "  casebox query --store S 'procedure = \"gastric-bypass\" and phase(\"preparation\").duration "
    "> 10min'\n"
    "  casebox query --store S 'phase(\"CalotTriangleDissection\").duration > p95' --explain\n"
    "  casebox query --store S 'vitals(\"ART_M\").min within phase(\"ClippingCutting\") < 55' "
    "--count --by month\n"
    "  casebox query --store S --sql 'SELECT phase, count(*), avg(duration_s) FROM phases GROUP BY "
    "phase' --csv"};

}  // namespace casebox::tools
