// casebox why, casebox recompute: from a finding down to the bytes it rests on, and back again.

#include <fmt/format.h>

#include <algorithm>

#include "analytics/finding/finding.h"
#include "tools/analysis.h"
#include "tools/commands.h"
#include "tools/documents.h"
#include "tools/names.h"

namespace casebox::tools {
namespace {

double s(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

Json run_json(const v1::AnalysisRun& run) {
  Json out;
  out["job"] = run.job();
  out["job_version"] = run.job_version();
  out["binary"] = run.binary();
  out["binary_sha256"] = to_hex(run.binary_sha256());
  out["config"] = to_hex(run.config_sha256());
  out["protocol"] = run.protocol().empty() ? Json(nullptr) : Json(run.protocol());
  out["protocol_sha256"] =
      run.protocol_sha256().empty() ? Json(nullptr) : Json(to_hex(run.protocol_sha256()));
  out["seed"] = std::to_string(run.seed());
  out["order"] = run.order_basis();
  return out;
}

/// "topic/3" and "kafka/topic/3" to topic and partition; anything else is a log's name.
void put_origin(Json& out, const v1::SourceRange& range) {
  const std::string& from = range.read_from();
  const size_t slash = from.rfind('/');
  const bool numbered = slash != std::string::npos && slash + 1 < from.size() &&
                        from.find_first_not_of("0123456789", slash + 1) == std::string::npos;
  out["read_from"] = from;
  out["topic"] = numbered ? Json(from.substr(0, slash)) : Json(nullptr);
  out["partition"] = numbered ? Json(std::stoul(from.substr(slash + 1))) : Json(nullptr);
  out["first_offset"] = std::to_string(range.first_offset());
  out["last_offset"] = std::to_string(range.last_offset());
}

Json chain_json(const storage::CaseReader& reader, const StoredFinding& stored) {
  Json out;
  out["case_id"] = to_string(stored.case_id);
  out["finding"] = finding_json(stored.finding);
  out["in_force"] = stored.in_force;
  out["run"] = run_json(stored.finding.run());
  out["entities"] = Json::array();
  for (const v1::SourceRange& range : stored.finding.sources()) {
    Json one = sources_json(std::vector<v1::SourceRange>{range})[0];
    put_origin(one, range);
    const auto now =
        reader.source_range(Epoch{range.epoch()}, StreamId{range.stream_id()},
                            ItemNumber{range.first_number()}, ItemNumber{range.last_number()});
    one["unchanged"] = now && now->sha256() == range.sha256();
    out["entities"].push_back(std::move(one));
  }
  out["video"] = Json::array();
  for (const v1::Stream& stream : reader.streams())
    if (stream.kind() == v1::STREAM_KIND_VIDEO)
      out["video"].push_back({{"stream", stream.name()},
                              {"t0_s", s(stored.finding.t0_ns())},
                              {"t1_s", s(stored.finding.t1_ns())}});
  return out;
}

void print_chain(const Json& chain) {
  const Json &finding = chain["finding"], &run = chain["run"];
  fmt::print("{}\n", finding["text"].get<std::string>());
  fmt::print("  finding   {} ({}{})\n", finding["finding_id"].get<std::string>(),
             finding["kind"].get<std::string>(),
             chain["in_force"].get<bool>() ? "" : ", replaced by a later run");
  fmt::print("  case      {}, {} - {}\n", chain["case_id"].get<std::string>(),
             clock_text(finding["t0_s"].get<double>()), clock_text(finding["t1_s"].get<double>()));
  fmt::print("  run       {} {} of casebox {} ({})\n", run["job"].get<std::string>(),
             run["job_version"].get<std::string>(), run["binary"].get<std::string>(),
             run["binary_sha256"].get<std::string>().substr(0, 16));
  if (run["protocol"].is_string())
    fmt::print("  norm      {}\n", run["protocol"].get<std::string>());
  for (const Json& one : chain["entities"])
    fmt::print("  rests on  {} numbers {} - {} of epoch {}, sha256 {} {}\n",
               one.contains("stream") ? one["stream"].get<std::string>() : one["stream_id"].dump(),
               one["first_number"].get<std::string>(), one["last_number"].get<std::string>(),
               one["epoch"].get<std::string>(), one["sha256"].get<std::string>().substr(0, 16),
               one["unchanged"].get<bool>() ? "(unchanged)" : "(NOT THE SAME NOW)");
}

bool all_unchanged(const Json& chain) {
  return std::ranges::all_of(chain["entities"],
                             [](const Json& one) { return one["unchanged"].get<bool>(); });
}

Result<int> run_why(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox why")));
  CASEBOX_TRY(const StoredFinding stored,
              find_finding(*access, args.text("FINDING"), args.text("--case")));
  CASEBOX_TRY(auto reader, storage::CaseReader::open(access->store(), stored.case_id,
                                                     access->keyring(), keyring::Purpose::kView));
  const Json chain = chain_json(*reader, stored);
  if (args.json()) {
    Json json = document("why");
    json.update(chain);
    print(json);
  } else {
    print_chain(chain);
  }
  return all_unchanged(chain) ? 0 : 3;
}

/// The finding that most likely took the old one's place: same kind, step and deviation, nearest in
/// time.
const v1::Finding* successor(const std::vector<v1::Finding>& all, const v1::Finding& old) {
  const v1::Finding* best = nullptr;
  const auto distance = [&](const v1::Finding& f) { return std::abs(f.t0_ns() - old.t0_ns()); };
  for (const v1::Finding& f : all) {
    if (f.kind() != old.kind() || f.step() != old.step()) continue;
    if (best == nullptr || distance(f) < distance(*best)) best = &f;
  }
  return best;
}

Result<int> run_recompute(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox recompute")));
  CASEBOX_TRY(const StoredFinding stored,
              find_finding(*access, args.text("FINDING"), args.text("--case")));
  AnalysisOptions options;
  options.jobs = {stored.finding.run().job()};
  options.protocol = args.text("--protocol");
  CASEBOX_TRY(const Analysis again, compute_analysis(*access, stored.case_id, options));
  const v1::Finding* same = nullptr;
  for (const v1::Finding& f : again.findings)
    if (f.id() == stored.finding.id()) same = &f;
  const v1::Finding* other = same ? same : successor(again.findings, stored.finding);
  std::vector<std::string> differs = {"gone"};
  if (other != nullptr) differs = analytics::finding::differences(stored.finding, *other);
  const bool identical = same != nullptr && analytics::finding::to_bytes(stored.finding) ==
                                                analytics::finding::to_bytes(*same);
  CASEBOX_TRY(auto reader, storage::CaseReader::open(access->store(), stored.case_id,
                                                     access->keyring(), keyring::Purpose::kView));
  Json chain = chain_json(*reader, stored);
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
