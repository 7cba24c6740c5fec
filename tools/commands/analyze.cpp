// casebox analyze: jobs over stored cases, and analyses of many cases (tools/analyses).

#include <fmt/format.h>

#include <algorithm>

#include "analytics/finding/finding.h"
#include "tools/analyses/as_study.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/documents/parts.h"
#include "tools/documents/weights_document.h"
#include "tools/findings/analysis.h"
#include "tools/findings/norms.h"
#include "tools/query/compared.h"

namespace casebox::tools {
namespace {

namespace conformance = analytics::conformance;

Json analysis_json(const Analysis& analysis) {
  Json out;
  out["case_id"] = to_string(analysis.case_id);
  out["verdict"] = verify::to_string(analysis.verdict);
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

std::string cohort_names() {
  std::string out;
  for (const CohortAnalysis* analysis : cohort_analyses())
    out += (out.empty() ? "" : ", ") + analysis->name;
  return out;
}

/// What the departures of the call's cases weigh: all that were compared with one norm together,
/// with the options that each case's own finding has.
struct CallWeights {
  std::vector<WeighedTogether> groups;
  std::vector<conformance::Weighing> weighings;
};
CallWeights weigh_call(const std::vector<Compared>& cases) {
  CallWeights out;
  out.groups = weighed_together(cases);
  for (const WeighedTogether& group : out.groups)
    out.weighings.push_back(conformance::weigh(group.values, group.tallies, {}));
  return out;
}

void put_weights(const CallWeights& weights, Json& json) {
  for (Json& result : json["results"]) result["weighted"] = nullptr;
  json["weighted"] = Json::array();
  for (size_t g = 0; g < weights.groups.size(); ++g) {
    const WeighedTogether& group = weights.groups[g];
    Json all = weighing_json(weights.weighings[g], {});
    all["protocol"] = group.norm.id;
    all["protocol_sha256"] = group.norm.sha256;
    all["cases"] = group.cases;
    json["weighted"].push_back(std::move(all));
    for (size_t i = 0; i < group.members.size(); ++i)
      json["results"][group.members[i]]["weighted"] = weighed_case_json(weights.weighings[g], i);
  }
}

void print_weights(const CallWeights& weights) {
  for (size_t g = 0; g < weights.groups.size(); ++g) {
    fmt::print("\n{} cases compared with {}.", weights.groups[g].cases, weights.groups[g].norm.id);
    if (!weights.weighings[g].reason.empty()) fmt::print(" ");
    print_weighing(stdout, weights.weighings[g], {});
  }
}

Result<int> run_jobs(const Args& args, const std::string& job) {
  AnalysisOptions options;
  if (!job.empty()) options.jobs = {job};
  options.protocol = args.text("--protocol");
  StoreOptions how = StoreOptions::from(args, "casebox analyze");
  how.write = true;
  CASEBOX_TRY(auto access, StoreAccess::open(how));
  CASEBOX_TRY(const std::vector<CaseId> ids, chosen_cases(*access, args));
  Progress progress("analysing", ids.size(), "cases");
  Json json = document("analyze");
  json["job"] = job.empty() ? Json(nullptr) : Json(job);
  json["cases"] = ids.size();
  json["results"] = Json::array();
  std::vector<Compared> comparisons;
  CASEBOX_CHECK(analyze_cases(*access, ids, options, [&](const Analysis& analysis) {
    comparisons.push_back(compared(analysis.findings));
    progress.update(comparisons.size());
    if (args.json())
      json["results"].push_back(analysis_json(analysis));
    else
      print_analysis(analysis);
    return ok();
  }));
  const CallWeights weights = weigh_call(comparisons);
  if (args.json()) {
    put_weights(weights, json);
    print(json);
  } else {
    print_weights(weights);
  }
  return 0;
}

Json study_json(const StudyQuestion& question, const WrittenStudy& study) {
  Json out;
  out["study_id"] = to_string(study.study_id);
  out["cohort"] = question.cohort;
  out["options"] = question.options;
  out["created"] = study.created;
  out["written"] = study.written;
  out["findings"] = Json::array();
  for (const v1::Finding& one : study.findings)
    out["findings"].push_back({{"finding_id", to_hex(one.id())},
                               {"kind", one.kind()},
                               {"step", one.step()},
                               {"text", one.text()}});
  return out;
}

void print_study(const Json& study) {
  fmt::print("study {}: {}\n", study["study_id"].get<std::string>(),
             study["written"].get<bool>() ? "findings written" : "the same findings were there");
  for (const Json& one : study["findings"])
    fmt::print("  {}  {}\n", one["finding_id"].get<std::string>().substr(0, 12),
               one["text"].get<std::string>());
}

Result<int> run_cohort(const Args& args, const CohortAnalysis& analysis) {
  const bool write = args.flag("--write");
  StudyQuestion question;
  if (write) {
    CASEBOX_TRY(question, study_question(analysis, args));
  }
  std::unique_ptr<StoreAccess> access;
  if (!args.has("--log")) {
    StoreOptions how = StoreOptions::from(args, "casebox analyze");
    how.write = write;
    CASEBOX_TRY(access, StoreAccess::open(how));
  }
  CASEBOX_TRY(const Cohort cohort, access ? store_cohort(*access, args) : log_cohort(args));
  CASEBOX_TRY(CohortResult result, analysis.run(args, cohort));
  Json study;
  if (write) {
    CASEBOX_TRY(const WrittenStudy written,
                write_study(*access, question, study_answer(cohort, result)));
    study = study_json(question, written);
  }
  if (!args.json()) {
    fmt::print("{}", result.text);
    if (write) print_study(study);
    return 0;
  }
  Json json = document("analyze");
  json["job"] = analysis.name;
  json["cases"] = cohort.log.traces.size();
  json["verdicts"] = Json::array();
  for (const auto& [verdict, count] : cohort.verdicts)
    json["verdicts"].push_back({{"verdict", verdict}, {"cases", count}});
  json["study"] = std::move(study);
  json.update(result.json);
  print(json);
  return 0;
}

Result<int> run(const Args& args) {
  const std::string job = args.text("JOB");
  if (!args.has("--store") == !args.has("--log"))
    return Error{Code::kInvalidArgument, "give --store DIR, or --log FILE for a log of any origin"};
  if (const CohortAnalysis* analysis = find_cohort_analysis(job))
    return run_cohort(args, *analysis);
  if (args.has("--log"))
    return Error{Code::kInvalidArgument, "analyze " + job +
                                             " --log: that job reads recorded cases; of a log, " +
                                             cohort_names() + " can be had, and casebox conform"};
  return run_jobs(args, job);
}

std::vector<Arg> analyze_args() {
  std::vector<Arg> out = {
      {"JOB", ArgKind::kText,
       "quality, phases, timing, conformance, twin: findings of each case; or an analysis of many "
       "cases, listed below; without: all jobs"},
      {"--store", ArgKind::kText, "The store"},
      {"--keys", ArgKind::kText, "Keystore, unless <store>/keys"},
      {"--case", ArgKind::kText, "One case: id, its first digits, or alias"},
      {"--cohort", ArgKind::kText, "The cases a query names; without: all"},
      {"--log", ArgKind::kText,
       "An event log (.xes, .xes.gz, .csv) instead of a store, for analyses of many cases"},
      {"--write", ArgKind::kFlag,
       "Of an analysis of many cases: keep its findings in the store, as a study"},
      {"--protocol", ArgKind::kText, "The norm: file or id; default by procedure"},
      {"--side-by-side", ArgKind::kFlag,
       "Of a log whose activities may overlap: do not withhold such cases' times"}};
  for (const CohortAnalysis* analysis : cohort_analyses())
    for (const Arg& arg : analysis->args)
      if (std::ranges::find(out, arg.name, &Arg::name) == out.end()) out.push_back(arg);
  for (Arg& arg : log_args()) out.push_back(std::move(arg));
  return out;
}

std::string details() {
  std::string out = "Analyses of many cases print a result, and keep it with --write:\n";
  for (const CohortAnalysis* analysis : cohort_analyses())
    out += fmt::format("  {:<12} {}\n", analysis->name, analysis->summary);
  return out +
         "Every other call writes findings into the store; the same ones are not written twice.\n"
         "Examples:\n"
         "  casebox analyze --store S --case 3f2a\n"
         "  casebox analyze timing --store S --cohort 'procedure = \"gastric-bypass\"' --json\n"
         "  casebox analyze timing --store S --write\n"
         "  casebox analyze timing --log log.csv --columns case=ID activity=WHAT start=FROM end=TO";
}

}  // namespace

const Command kAnalyzeCommand{"analyze", "Find phases, timing, departures and forecast errors",
                              analyze_args(), run, details()};

}  // namespace casebox::tools
