// casebox analyze: jobs over stored cases, and analyses of many cases (tools/analyses).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "analytics/finding/finding.h"
#include "tools/analyses/as_study.h"
#include "tools/cli/nearest.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/documents/departure_table.h"
#include "tools/documents/parts.h"
#include "tools/documents/weights_document.h"
#include "tools/findings/analysis.h"
#include "tools/findings/norms.h"
#include "tools/query/facts.h"

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

/// One line: what each job of one of many cases came to.
void print_brief(const Analysis& analysis) {
  std::string line = to_string(analysis.case_id);
  for (const analytics::jobs::Report& report : analysis.outcome.reports)
    line += fmt::format("  {} {}", report.job,
                        report.skipped.empty() ? std::to_string(report.findings) : "skipped");
  fmt::print("{}\n", line);
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

Json refused_json(const std::vector<RefusedCase>& cases) {
  Json out = Json::array();
  for (const RefusedCase& one : cases)
    out.push_back({{"case_id", to_string(one.case_id)}, {"reason", one.reason}});
  return out;
}

Result<int> run_jobs(const Args& args, const std::string& job) {
  AnalysisOptions options;
  if (!job.empty()) options.jobs = {job};
  options.protocol = args.text("--protocol");
  StoreOptions how = StoreOptions::from(args, "casebox analyze");
  how.write = true;
  CASEBOX_TRY(auto access, StoreAccess::open(how));
  CASEBOX_TRY(const Chosen chosen, chosen_cases(*access, args));
  const std::vector<CaseId>& ids = chosen.ids;
  say_left_out(chosen.left_out);
  Progress progress("analysing", ids.size(), "cases");
  Json json = document("analyze");
  json["job"] = job.empty() ? Json(nullptr) : Json(job);
  json["cases"] = ids.size();
  json["left_out"] = refused_json(chosen.left_out);
  json["results"] = Json::array();
  std::vector<Compared> comparisons;
  DepartureTable departures;
  std::map<std::string, size_t> not_compared;  // reason -> cases
  CASEBOX_CHECK(analyze_cases(*access, ids, options, [&](const Analysis& analysis) {
    comparisons.push_back(compared(analysis.findings));
    progress.update(comparisons.size());
    departures.add(analysis.findings);
    if (comparisons.back().outcome == Compared::Outcome::kSkipped)
      ++not_compared[comparisons.back().reason];
    if (args.json())
      json["results"].push_back(analysis_json(analysis));
    else if (ids.size() == 1)
      print_analysis(analysis);
    else
      print_brief(analysis);
    return ok();
  }));
  const CallWeights weights = weigh_call(comparisons);
  if (args.json()) {
    put_weights(weights, json);
    json["departures"] = departure_table_json(departures);
    print(json);
    return 0;
  }
  if (ids.size() > 1) {
    print_departure_table(stdout, departures, SIZE_MAX);
    for (const auto& [reason, n] : not_compared)
      fmt::print("  not compared: {} cases: {}\n", n, reason);
  }
  print_weights(weights);
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

/// Cases of each procedure, by name.
std::map<std::string, size_t> procedures_of(const Cohort& cohort) {
  std::map<std::string, size_t> out;
  for (const std::string& one : cohort.procedures) ++out[one];
  return out;
}

/// Said first of all: what is taken together here is not of one kind.
std::string pooled_text(const std::map<std::string, size_t>& procedures) {
  if (procedures.size() < 2) return "";
  std::string out = "Taken together are operations of different procedures:\n";
  for (const auto& [name, cases] : procedures)
    out += fmt::format("  {} {}\n", cases, name.empty() ? "of which none is stated" : name);
  return out + "To look at one: --cohort 'procedure = \"...\"'\n\n";
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
  say_left_out(cohort.left_out);
  CASEBOX_TRY(CohortResult result, analysis.run(args, cohort));
  const auto procedures = procedures_of(cohort);
  Json study;
  if (write) {
    CASEBOX_TRY(const WrittenStudy written,
                write_study(*access, question, study_answer(cohort, result)));
    study = study_json(question, written);
  }
  if (!args.json()) {
    fmt::print("{}{}", pooled_text(procedures), result.text);
    if (write) print_study(study);
    return 0;
  }
  Json json = document("analyze");
  json["job"] = analysis.name;
  json["cases"] = cohort.log.traces.size();
  json["left_out"] = refused_json(cohort.left_out);
  json["verdicts"] = Json::array();
  for (const auto& [verdict, count] : cohort.verdicts)
    json["verdicts"].push_back({{"verdict", verdict}, {"cases", count}});
  json["procedures"] = Json::array();
  for (const auto& [procedure, count] : procedures)
    json["procedures"].push_back({{"procedure", procedure}, {"cases", count}});
  json["study"] = std::move(study);
  json.update(result.json);
  print(json);
  return 0;
}

Error unknown_job(const std::string& job) {
  std::vector<std::string> known = analytics::jobs::names();
  for (const CohortAnalysis* analysis : cohort_analyses()) known.push_back(analysis->name);
  const std::string meant = nearest(job, known);
  return {Code::kInvalidArgument, "analyze: no job or analysis is called '" + job + "'" +
                                      (meant.empty() ? "" : ", did you mean " + meant + "?") +
                                      "; `casebox analyze --help` lists them"};
}

Result<int> run_analyze(const Args& args) {
  const std::string job = args.text("JOB");
  if (!job.empty() && find_cohort_analysis(job) == nullptr &&
      std::ranges::find(analytics::jobs::names(), job) == analytics::jobs::names().end())
    return unknown_job(job);
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

/// Puts an option under a heading of the help text (tools/main.cpp).
Arg under(const std::string& heading, Arg arg) {
  arg.help = "[" + heading + "] " + arg.help;
  return arg;
}

std::vector<Arg> analyze_args() {
  std::vector<Arg> out = {
      {"JOB", ArgKind::kText, "A job or an analysis, listed below; without: all jobs"}};
  for (Arg& arg : std::vector<Arg>{
           {"--store", ArgKind::kText, "The store"},
           {"--keys", ArgKind::kText, "Keystore, unless <store>/keys"},
           {"--case", ArgKind::kText, "One case: id, its first digits, or alias"},
           {"--cohort", ArgKind::kText, "The cases a query names; without: all"},
           {"--purpose", ArgKind::kText, "Why you read, where the site has an access.yaml"},
           {"--role", ArgKind::kText, "As what, of the roles that it gives you"}})
    out.push_back(under("Which cases", std::move(arg)));
  out.push_back(
      under("How", {"--protocol", ArgKind::kText, "The norm: file or id; default by procedure"}));
  out.push_back(under("How", {"--write", ArgKind::kFlag,
                              "Of an analysis of many cases: keep its findings in the store, as a "
                              "study"}));
  std::vector<Arg> of_log = log_args();
  of_log.insert(of_log.begin(),
                {{"--log", ArgKind::kText,
                  "An event log (.xes, .xes.gz, .csv) instead of a store, for analyses of many "
                  "cases"},
                 {"--side-by-side", ArgKind::kFlag,
                  "Of a log whose activities may overlap: do not withhold such cases' times"}});
  for (Arg& arg : of_log) out.push_back(under("A log instead of a store", std::move(arg)));
  std::map<std::string, std::vector<std::string>> owners;
  for (const CohortAnalysis* analysis : cohort_analyses())
    for (const Arg& arg : analysis->args) owners[arg.name].push_back(analysis->name);
  for (const CohortAnalysis* analysis : cohort_analyses())
    for (const Arg& arg : analysis->args) {
      if (std::ranges::find(out, arg.name, &Arg::name) != out.end()) continue;
      const bool one = owners.at(arg.name).size() == 1;
      out.push_back(under(one ? "Of " + analysis->name : "Of several analyses", arg));
    }
  return out;
}

/// Analyses of many cases by what they answer; one that is in no group stands in the last.
std::string details() {
  static const std::vector<std::pair<const char*, std::vector<std::string>>> kGroups = {
      {"How long", {"timing", "profile"}},
      {"What happens, and in which order", {"dfg", "variants", "skeleton"}},
      {"Whether it changes", {"spc", "diversity"}},
      {"Others", {}}};
  std::string out =
      "Jobs, of each case; their findings are written into the store, the same ones not twice:\n"
      "  quality      whether times and order of the case can be used\n"
      "  phases       where its phases begin and end, from device streams\n"
      "  timing       how long each phase took\n"
      "  conformance  where it left the agreed pathway; of many cases a table by certainty\n"
      "  twin         whether forecasts came in time and held\n"
      "Analyses, of many cases; they print a result, and keep it with --write:\n";
  std::set<std::string> listed;
  for (const auto& [heading, names] : kGroups) {
    std::string lines;
    for (const CohortAnalysis* one : cohort_analyses()) {
      const bool here = names.empty() ? !listed.contains(one->name)
                                      : std::ranges::find(names, one->name) != names.end();
      if (!here) continue;
      listed.insert(one->name);
      lines += fmt::format("    {:<12} {}\n", one->name, one->summary);
    }
    if (!lines.empty()) out += fmt::format("  {}:\n{}", heading, lines);
  }
  return out +
         "timing is an analysis where it is asked for by name, and a job among all jobs.\n"
         "Examples:\n"
         "  casebox analyze --store S --case 3f2a\n"
         "  casebox analyze conformance --store S\n"
         "  casebox analyze timing --store S --cohort 'procedure = \"gastric-bypass\"' --json\n"
         "  casebox analyze timing --store S --write\n"
         "  casebox analyze timing --log log.csv --columns case=ID activity=WHAT start=FROM end=TO";
}

}  // namespace

const Command kAnalyzeCommand{"analyze", "Find phases, timing, departures and forecast errors",
                              analyze_args(), run_analyze, details()};

}  // namespace casebox::tools
