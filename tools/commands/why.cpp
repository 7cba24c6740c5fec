// casebox why, casebox recompute: from a finding down to the bytes it rests on, and back again.

#include <fmt/format.h>

#include <algorithm>

#include "analytics/finding/finding.h"
#include "tools/analyses/as_study.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/documents/parts.h"
#include "tools/findings/analysis.h"
#include "tools/findings/chain.h"
#include "tools/findings/study.h"

namespace casebox::tools {
namespace {

void print_chain(const Json& chain) {
  const Json &finding = chain["finding"], &run = chain["run"];
  fmt::print("{}\n", finding["text"].get<std::string>());
  fmt::print("  finding   {} ({}{})\n", finding["finding_id"].get<std::string>(),
             finding["kind"].get<std::string>(),
             chain["in_force"].get<bool>() ? "" : ", replaced by a later run");
  if (chain["study"].is_null()) {
    const std::string when = finding["t0_s"].is_null()
                                 ? "when it was is withheld"
                                 : clock_text(finding["t0_s"].get<double>()) + " - " +
                                       clock_text(finding["t1_s"].get<double>());
    fmt::print("  case      {}, {}\n", chain["case_id"].get<std::string>(), when);
  } else {
    const std::string cohort = chain["study"]["cohort"].get<std::string>();
    fmt::print("  study     {}, over {}\n", chain["case_id"].get<std::string>(),
               cohort.empty() ? "every case" : cohort);
  }
  fmt::print("  run       {} {} of casebox {} ({})\n", run["job"].get<std::string>(),
             run["job_version"].get<std::string>(), run["binary"].get<std::string>(),
             run["binary_sha256"].get<std::string>().substr(0, 16));
  if (run["protocol"].is_string())
    fmt::print("  norm      {}\n", run["protocol"].get<std::string>());
  for (const Json& one : chain["entities"])
    fmt::print(
        "  rests on  {}{} numbers {} - {} of epoch {}, sha256 {} {}\n",
        chain["study"].is_null() ? "" : one["case_id"].get<std::string>() + " ",
        one.contains("stream") ? one["stream"].get<std::string>() : to_text(one["stream_id"]),
        one["first_number"].get<std::string>(), one["last_number"].get<std::string>(),
        one["epoch"].get<std::string>(), one["sha256"].get<std::string>().substr(0, 16),
        one["unchanged"].get<bool>() ? "(unchanged)" : "(NOT THE SAME NOW)");
}

Result<int> run_why(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox why")));
  CASEBOX_TRY(const StoredFinding stored,
              find_finding(*access, args.text("FINDING"), args.text("--case")));
  CASEBOX_TRY(const Json chain, chain_json(*access, stored));
  if (args.json()) {
    Json json = document("why");
    json.update(chain);
    print(json);
  } else {
    print_chain(chain);
  }
  return all_unchanged(chain) ? 0 : 3;
}

/// The finding that most likely took the old one's place: same kind and step, most labels in common
/// (a study's findings are all at time 0), nearest in time.
const v1::Finding* successor(const std::vector<v1::Finding>& all, const v1::Finding& old) {
  const v1::Finding* best = nullptr;
  const auto distance = [&](const v1::Finding& f) {
    const auto other = std::ranges::count_if(old.labels(), [&](const auto& label) {
      const auto it = f.labels().find(label.first);
      return it == f.labels().end() || it->second != label.second;
    });
    return std::pair(f.run().inputs_sha256().empty() ? 0 : other,
                     std::abs(static_cast<double>(f.t0_ns()) - static_cast<double>(old.t0_ns())));
  };
  for (const v1::Finding& f : all) {
    if (f.kind() != old.kind() || f.step() != old.step()) continue;
    if (best == nullptr || distance(f) < distance(*best)) best = &f;
  }
  return best;
}

/// What a second computation found.
struct Again {
  std::vector<v1::Finding> findings;
  std::vector<std::string> changes;  // of what it was computed from
};

Result<Again> case_again(StoreAccess& access, const StoredFinding& stored, const Args& args) {
  AnalysisOptions options;
  options.jobs = {stored.finding.run().job()};
  options.protocol = args.text("--protocol");
  CASEBOX_TRY(Analysis analysis, compute_analysis(access, stored.case_id, options));
  return Again{std::move(analysis.findings), {}};
}

Result<Again> study_again(StoreAccess& access, const StoredFinding& stored) {
  CASEBOX_TRY(const Study study, open_study(access, stored.case_id));
  if (!study.question)
    return Error{Code::kNotFound, to_string(stored.case_id) +
                                      ": what this study asks cannot be read; give the keystore"};
  CASEBOX_TRY(const StudyAnswer answer, ask_again(access, *study.question));
  Again out;
  CASEBOX_TRY(out.findings, study_findings(access, stored.case_id, *study.question, answer));
  CASEBOX_TRY(const auto reader, access.read_case(stored.case_id, keyring::Purpose::kView));
  CASEBOX_TRY(const StoredFindings before, read_findings(*reader));
  if (stored.in_force) out.changes = cohort_changes(before.in_force, out.findings);
  return out;
}

Result<int> run_recompute(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox recompute")));
  CASEBOX_TRY(const StoredFinding stored,
              find_finding(*access, args.text("FINDING"), args.text("--case")));
  CASEBOX_TRY(const Again again,
              stored.study ? study_again(*access, stored) : case_again(*access, stored, args));
  const v1::Finding* same = nullptr;
  for (const v1::Finding& f : again.findings)
    if (f.id() == stored.finding.id()) same = &f;
  const v1::Finding* other = same ? same : successor(again.findings, stored.finding);
  std::vector<std::string> differs = again.changes;
  if (other == nullptr) {
    differs.push_back("gone");
  } else {
    for (std::string& name : analytics::finding::differences(stored.finding, *other))
      differs.push_back(std::move(name));
  }
  const bool identical = same != nullptr && analytics::finding::to_bytes(stored.finding) ==
                                                analytics::finding::to_bytes(*same);
  CASEBOX_TRY(Json chain, chain_json(*access, stored));
  chain["identical"] = identical;
  chain["differs"] = identical ? std::vector<std::string>() : differs;
  chain["now"] = other == nullptr ? Json(nullptr) : finding_json(*other);
  if (args.json()) {
    Json json = document("recompute");
    json.update(chain);
    print(json);
  } else {
    print_chain(chain);
    fmt::print("{}\n",
               identical ? "computed again: byte-identical"
                         : fmt::format("computed again: differs in {}", fmt::join(differs, ", ")));
  }
  return identical ? 0 : 1;
}

std::vector<Arg> finding_args(std::vector<Arg> more) {
  more.insert(more.begin(), {"FINDING", ArgKind::kText,
                             "Id of the finding, or its first 8 or more digits", "", true});
  more.push_back({"--case", ArgKind::kText, "Look in this case only"});
  return with_store_args(std::move(more));
}

}  // namespace

const Command kWhyCommand{"why", "Show what a finding rests on, down to the frames",
                          finding_args({}), run_why,
                          "Exit code 3 if a frame is no longer the one the finding was made from.\n"
                          "Example:\n"
                          "  casebox why 8f3a90c1 --store S"};

const Command kRecomputeCommand{
    "recompute", "Compute a finding again and compare it byte by byte",
    finding_args({{"--protocol", ArgKind::kText, "The norm: file or id; default by procedure"}}),
    run_recompute,
    "Exit code 0 if identical, 1 if something differs; `differs` names it (another build of the\n"
    "program shows as run.binary_sha256).\n"
    "Example:\n"
    "  casebox recompute 8f3a90c1 --store S --json"};

}  // namespace casebox::tools
