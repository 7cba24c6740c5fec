// casebox analyze: jobs over stored cases, and the timing of phases over a cohort or a log.

#include <fmt/format.h>

#include <algorithm>

#include "analytics/finding/finding.h"
#include "tools/analysis.h"
#include "tools/commands.h"
#include "tools/documents.h"
#include "tools/names.h"
#include "tools/norms.h"
#include "tools/progress.h"
#include "tools/query/cohort.h"

namespace casebox::tools {
namespace {

namespace timing = analytics::timing;
using analytics::EventLog;

Json interval_json(const std::optional<timing::Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

Json table_json(const timing::TimingTable& table) {
  Json json = document("analyze");
  json["job"] = "timing";
  json["cases"] = table.cases;
  json["excluded"] = Json::array();
  for (const timing::Excluded& one : table.excluded)
    json["excluded"].push_back({{"case_id", one.case_id},
                                {"phase", one.phase.empty() ? Json(nullptr) : Json(one.phase)},
                                {"reason", one.reason}});
  json["phases"] = Json::array();
  for (const timing::PhaseRow& row : table.phases) {
    Json one;
    one["phase"] = row.phase;
    one["n"] = row.n;
    one["median_s"] = row.median_s;
    one["mad_s"] = row.mad_s;
    one["mean_s"] = row.mean_s;
    one["hl_s"] = row.hl_s;
    one["ci95_s"] = interval_json(row.ci95_s);
    one["log_hl_s"] = row.log_hl_s;
    one["log_ci95_s"] = interval_json(row.log_ci95_s);
    one["median_ci95_s"] = interval_json(row.median_ci95_s);
    one["median_span_s"] = row.median_span_s;
    one["median_idle_s"] = row.median_idle_s;
    one["mean_entries"] = row.mean_entries;
    json["phases"].push_back(std::move(one));
  }
  return json;
}

void print_table(const timing::TimingTable& table) {
  fmt::print("{:<28} {:>5} {:>9} {:>8} {:>9} {:>9}   {}\n", "phase", "n", "median s", "MAD s",
             "mean s", "HL s", "95 % interval of HL");
  for (const timing::PhaseRow& row : table.phases)
    fmt::print("{:<28} {:>5} {:>9.1f} {:>8.1f} {:>9.1f} {:>9.1f}   {}\n", row.phase, row.n,
               row.median_s, row.mad_s, row.mean_s, row.hl_s,
               row.ci95_s ? fmt::format("{:.1f} - {:.1f}", row.ci95_s->low, row.ci95_s->high)
                          : "too few cases");
  for (const timing::Excluded& one : table.excluded)
    fmt::print("left out: {}{}: {}\n", one.case_id, one.phase.empty() ? "" : ", " + one.phase,
               one.reason);
}

int finish_table(const Args& args, const EventLog& log,
                 const std::vector<std::vector<std::string>>& withheld) {
  std::vector<timing::TimedCase> cases;
  for (size_t i = 0; i < log.traces.size(); ++i)
    cases.push_back({&log, &log.traces[i], withheld[i]});
  const timing::TimingTable table = timing::time_cohort(cases);
  if (!args.json()) {
    print_table(table);
    return 0;
  }
  Json json = table_json(table);
  if (args.flag("--each")) {
    json["times"] = Json::array();
    for (size_t i = 0; i < cases.size(); ++i) {
      if (!withheld[i].empty()) continue;
      for (const timing::PhaseTime& time : timing::time_phases(log, log.traces[i]))
        json["times"].push_back({{"case_id", log.traces[i].case_key},
                                 {"phase", time.phase},
                                 {"active_s", time.open ? Json(nullptr) : Json(time.active_s)},
                                 {"span_s", time.span_s},
                                 {"idle_s", time.open ? Json(nullptr) : Json(time.idle_s)},
                                 {"entries", time.entries},
                                 {"u95_s", time.u95_s}});
    }
  }
  print(json);
  return 0;
}

Result<int> time_log(const Args& args) {
  CASEBOX_TRY(const EventLog log,
              load_log(args.text("--log"), args.list("--columns"), args.text("--dates")));
  for (const std::string& notice : log.notices) fmt::print(stderr, "note: {}\n", notice);
  std::vector<std::vector<std::string>> withheld;
  analytics::quality::Options options;
  if (args.flag("--side-by-side")) options.overlap_s = 1e9;
  for (const analytics::Trace& trace : log.traces)
    withheld.push_back(analytics::quality::check(log, trace, {}, options).reasons());
  return finish_table(args, log, withheld);
}

Result<std::vector<CaseId>> chosen(StoreAccess& access, const Args& args) {
  if (!args.has("--case")) return query::cohort(access, args.text("--cohort"));
  if (args.has("--cohort"))
    return Error{Code::kInvalidArgument, "--case and --cohort: give one of them"};
  CASEBOX_TRY(const CaseId id, access.resolve_case(args.text("--case")));
  return std::vector<CaseId>{id};
}

Result<int> time_store(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox analyze")));
  CASEBOX_TRY(const std::vector<CaseId> ids, chosen(*access, args));
  EventLog log;
  std::vector<std::vector<std::string>> withheld;
  Progress progress("timing phases", ids.size(), "cases");
  for (CaseId id : ids) {
    CASEBOX_TRY(auto reader, storage::CaseReader::open(access->store(), id, access->keyring(),
                                                       keyring::Purpose::kAnalysis));
    auto phases = analytics::jobs::phases_of_case(*reader, log);
    if (phases) {
      withheld.push_back(phases->quality.reasons());
    } else if (phases.error().code == Code::kDenied || phases.error().code == Code::kNotFound) {
      log.traces.resize(withheld.size());
      log.traces.emplace_back().case_key = to_string(id);
      withheld.push_back({"no key opens it"});
    } else {
      return annotate(std::move(phases).error(), to_string(id));
    }
    progress.update(withheld.size());
  }
  return finish_table(args, log, withheld);
}

Json analysis_json(const Analysis& analysis) {
  Json out;
  out["case_id"] = to_string(analysis.case_id);
  out["timing_ok"] = analysis.outcome.quality.timing_ok();
  out["timing_withheld"] = analysis.outcome.quality.reasons();
  out["phase_source"] = analysis.outcome.phase_source;
  out["jobs"] = Json::array();
  for (const analytics::jobs::Report& report : analysis.outcome.reports)
    out["jobs"].push_back(
        {{"job", report.job},
         {"findings", report.findings},
         {"skipped", report.skipped.empty() ? Json(nullptr) : Json(report.skipped)},
         {"written", std::ranges::find(analysis.written, report.job) != analysis.written.end()}});
  out["findings"] = Json::array();
  for (const v1::Finding& finding : analysis.findings) {
    if (finding.kind() == analytics::finding::kRunKind) continue;
    out["findings"].push_back(finding_json(finding));
  }
  return out;
}

void print_analysis(const Analysis& analysis) {
  fmt::print("case {}\n", to_string(analysis.case_id));
  for (const analytics::jobs::Report& report : analysis.outcome.reports) {
    if (!report.skipped.empty()) {
      fmt::print("  {:<12} skipped: {}\n", report.job, report.skipped);
      continue;
    }
    fmt::print("  {:<12} {} findings\n", report.job, report.findings);
    for (const v1::Finding& finding : analysis.findings)
      if (finding.run().job() == report.job && finding.kind() != analytics::finding::kRunKind)
        fmt::print("    {}  {}\n", to_hex(finding.id()).substr(0, 12), finding.text());
  }
}

Result<int> run(const Args& args) {
  const std::string job = args.text("JOB");
  if (!args.has("--store") == !args.has("--log"))
    return Error{Code::kInvalidArgument, "give --store DIR, or --log FILE for a log of any origin"};
  if (args.has("--log")) {
    if (job != "timing")
      return Error{Code::kInvalidArgument,
                   "analyze " + job + " --log: only timing reads a log; see also casebox conform"};
    return time_log(args);
  }
  if (job == "timing") return time_store(args);
  AnalysisOptions options;
  if (!job.empty()) options.jobs = {job};
  options.protocol = args.text("--protocol");
  StoreOptions how = StoreOptions::from(args, "casebox analyze");
  how.write = true;
  CASEBOX_TRY(auto access, StoreAccess::open(how));
  CASEBOX_TRY(const std::vector<CaseId> ids, chosen(*access, args));
  Progress progress("analysing", ids.size(), "cases");
  Json json = document("analyze");
  json["job"] = job.empty() ? Json(nullptr) : Json(job);
  json["cases"] = ids.size();
  json["results"] = Json::array();
  size_t done = 0;
  CASEBOX_CHECK(analyze_cases(*access, ids, options, [&](const Analysis& analysis) {
    progress.update(++done);
    if (args.json())
      json["results"].push_back(analysis_json(analysis));
    else
      print_analysis(analysis);
    return ok();
  }));
  if (args.json()) print(json);
  return 0;
}

std::vector<Arg> analyze_args() {
  std::vector<Arg> out = {
      {"JOB", ArgKind::kText,
       "quality, phases, timing, conformance or twin; without: all, findings written"},
      {"--store", ArgKind::kText, "The store"},
      {"--keys", ArgKind::kText, "Keystore, unless <store>/keys"},
      {"--case", ArgKind::kText, "One case: id, its first digits, or alias"},
      {"--cohort", ArgKind::kText, "The cases a query names; without: all"},
      {"--log", ArgKind::kText, "timing: an event log (.xes, .xes.gz, .csv) instead of a store"},
      {"--protocol", ArgKind::kText, "The norm: file or id; default by procedure"},
      {"--each", ArgKind::kFlag, "timing, with --json: the times of each case too"},
      {"--side-by-side", ArgKind::kFlag,
       "timing of a log whose activities may overlap: do not leave such cases out"}};
  for (Arg& arg : log_args()) out.push_back(std::move(arg));
  return out;
}

}  // namespace

const Command kAnalyzeCommand{
    "analyze", "Find phases, timing, departures and forecast errors", analyze_args(), run,
    "`analyze timing` prints a table of phases over the cases and writes nothing; every other "
    "call\n"
    "writes its findings into the store. The same findings are not written twice.\n"
    "Examples:\n"
    "  casebox analyze --store S --case 3f2a\n"
    "  casebox analyze timing --store S --cohort 'procedure = \"gastric-bypass\"' --json\n"
    "  casebox analyze timing --log log.csv --columns case=ID activity=WHAT start=FROM end=TO"};

}  // namespace casebox::tools
