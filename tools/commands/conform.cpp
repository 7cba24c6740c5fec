#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "analytics/conformance/whole_log.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/documents/conformance_document.h"
#include "tools/documents/departure_table.h"
#include "tools/documents/weights_document.h"
#include "tools/findings/log_for_norm.h"
#include "tools/findings/norms.h"

namespace casebox::tools {
namespace {

namespace conformance = analytics::conformance;
using conformance::CaseResult;

constexpr size_t kMostKinds = 15;  // of departures, for people

constexpr const char* kFitness =
    "1 - cost / (cost of the trace alone + cost of the shortest run of the model)";

/// "0.25" as 1 per 4: costs are whole numbers of a unit that suits.
Result<void> parse_silent(const std::string& text, conformance::Options& options) {
  double value = -1;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec == std::errc() && end == text.data() + text.size() && value >= 0 && value <= 1000) {
    for (uint32_t unit : {1u, 2u, 4u, 5u, 10u, 100u, 1000u, 10000u}) {
      const double scaled = value * unit;
      if (scaled != static_cast<double>(static_cast<uint32_t>(scaled + .5))) continue;
      options.unit = unit;
      options.silent_cost = static_cast<uint32_t>(scaled + .5);
      return ok();
    }
  }
  return Error{Code::kInvalidArgument, "--silent: '" + text +
                                           "' is no cost; write a number from 0 to 1000 with at "
                                           "most four decimals"};
}

Result<int64_t> at_least(const Args& args, const std::string& name, int64_t least, int64_t most) {
  const int64_t value = args.integer(name);
  if (value >= least && value <= most) return value;
  return Error{Code::kInvalidArgument,
               most == INT64_MAX
                   ? fmt::format("{}: write a whole number, {} or more", name, least)
                   : fmt::format("{}: write a whole number from {} to {}", name, least, most)};
}

Json model_json(const NormFile& model) {
  const analytics::protocol::Norm& norm = model.norm;
  Json out;
  out["path"] = model.path;
  out["sha256"] = model.sha256;
  out["name"] = norm.name();
  out["places"] = norm.net.places.size();
  out["transitions"] = norm.net.transitions.size();
  out["silent_transitions"] = std::ranges::count(norm.net.transitions, analytics::protocol::kSilent,
                                                 &analytics::protocol::Transition::step);
  out["notices"] = norm.notices;
  return out;
}

/// Without its cases.
Json result_json(const Args& args, const NormFile& model, const LogForNorm& given,
                 const conformance::Options& options, const conformance::LogResult& result,
                 const conformance::Weighing& weighing, const conformance::WeightOptions& weights) {
  const analytics::EventLog& log = given.log;
  Json json = document("conform");
  json["model"] = model_json(model);
  json["log"]["path"] = args.text("--log");
  json["log"]["cases"] = log.traces.size();
  json["log"]["events"] = log.event_count();
  json["log"]["variants"] = result.variants;
  json["log"]["ignored_events"] = result.totals.ignored_events;
  json["log"]["notices"] = log.notices;
  json["log"]["not_compared"] = Json::array();
  for (const LogForNorm::Left& left : given.not_compared)
    json["log"]["not_compared"].push_back({{"case", left.case_key}, {"reason", left.reason}});
  json["conventions"]["order"] = to_string(options.order);
  json["conventions"]["silent_cost"] = cost_json(options.silent_cost, options.unit);
  json["conventions"]["fitness"] = kFitness;
  json["conventions"]["shortest_model_cost"] = cost_json(result.shortest_model_cost, options.unit);
  json["totals"]["cost"] = cost_json(result.totals.cost, options.unit);
  json["totals"]["fitness_mean"] = result.fitness_mean();
  json["totals"]["fitness_pooled"] = result.fitness_pooled();
  json["totals"]["fitting_cases"] = result.totals.fitting;
  json["totals"]["inexact_cases"] = result.totals.inexact;
  json["totals"]["weighted"] = weighing_json(weighing, weights);
  return json;
}

/// The document with its cases one after another: all of them at once may not fit into memory.
void print_json(Json head, const Args& args, const NormFile& model,
                const conformance::Options& options, const conformance::LogResult& result,
                const conformance::Weighing& weighing) {
  const bool alignments = args.flag("--alignments");
  std::string text = to_text(head);
  text.pop_back();  // the closing brace
  fmt::print("{},\"cases\":[", text);
  for (size_t i = 0; i < result.cases.size(); ++i) {
    Json one = case_result_json(result.cases[i], model.norm, options.unit, alignments);
    one["weighted"] = weighed_case_json(weighing, i);
    fmt::print("{}{}", i == 0 ? "" : ",", to_text(one));
  }
  fmt::print("]}}\n");
}

void print_conform(const Args& args, const NormFile& model, const LogForNorm& given,
                   const conformance::Options& options, const conformance::LogResult& result,
                   const conformance::Weighing& weighing,
                   const conformance::WeightOptions& weights) {
  const analytics::EventLog& log = given.log;
  fmt::print("Norm  {} ({})\n", model.norm.name(), model.path);
  for (const std::string& notice : model.norm.notices) fmt::print("      note: {}\n", notice);
  fmt::print("Log   {}: {} cases, {} events, {} variants\n", args.text("--log"), log.traces.size(),
             log.event_count(), result.variants);
  for (const std::string& notice : log.notices) fmt::print("      note: {}\n", notice);
  for (const LogForNorm::Left& left : given.not_compared)
    fmt::print("      not compared: {}: {}\n", left.case_key, left.reason);
  fmt::print("Order by {}; silent steps cost {}; fitness = {}.\n", to_string(options.order),
             args.text("--silent"), kFitness);
  fmt::print(
      "{} of {} cases follow the norm's flow throughout; mean fitness {:.4f}, pooled {:.4f}.\n",
      result.totals.fitting, result.cases.size(), result.fitness_mean(), result.fitness_pooled());
  DepartureTable table;
  for (const CaseResult& one : result.cases) table.add(one);
  print_departure_table(stdout, table, kMostKinds);
  print_weighing(stdout, weighing, weights);
  fmt::print("\n");
  const auto limit = static_cast<size_t>(std::max<int64_t>(0, args.integer("--limit")));
  size_t shown = 0, with = 0;
  for (size_t i = 0; i < result.cases.size(); ++i) {
    const CaseResult& r = result.cases[i];
    if (r.departures.empty() && r.exact && result.cases.size() > limit) continue;
    ++with;
    if (shown == limit) continue;
    ++shown;
    print_case_result(stdout, r, options.unit);
    print_weighed_case(stdout, weighing, i);
  }
  if (with > shown)
    fmt::print("... and {} more cases with departures; --limit {} shows them, --json all\n",
               with - shown, with);
}

Result<int> run_conform(const Args& args) {
  conformance::Options options;
  CASEBOX_TRY(options.order, parse_order(args.text("--order")));
  CASEBOX_CHECK(parse_silent(args.text("--silent"), options));
  if (args.has("--budget")) {
    CASEBOX_TRY(const int64_t budget, at_least(args, "--budget", 1, INT64_MAX));
    options.budget = static_cast<uint64_t>(budget);
  }
  options.limit_scale = args.number("--limit-scale");
  options.ambiguity = !args.flag("--cost-only");
  CASEBOX_TRY(const int64_t threads, at_least(args, "--threads", 1, 256));
  CASEBOX_TRY(const int64_t draws, at_least(args, "--draws", 1, 1'000'000));
  const conformance::WeightOptions weights{.seed = static_cast<uint64_t>(args.integer("--seed")),
                                           .draws = static_cast<uint32_t>(draws)};
  CASEBOX_TRY(const NormFile model, load_norm(args.text("--model")));
  CASEBOX_TRY(const LogForNorm given, load_log_for(model.norm, args.text("--log"),
                                                   args.list("--columns"), args.text("--dates")));
  const analytics::EventLog& log = given.log;
  Progress progress("comparing", log.traces.size(), "cases");
  auto result = conformance::conform_log(
      model.norm, log, options, static_cast<unsigned>(threads),
      [&](size_t done) { progress.update(done); }, given.seen);
  if (!result) return annotate(std::move(result).error(), args.text("--model"));
  const conformance::Weighing weighing = conformance::weigh(model.norm, result->cases, weights);
  if (args.json())
    print_json(result_json(args, model, given, options, *result, weighing, weights), args, model,
               options, *result, weighing);
  else
    print_conform(args, model, given, options, *result, weighing, weights);
  return 0;
}

std::vector<Arg> conform_args() {
  std::vector<Arg> out = {
      {"--model", ArgKind::kText,
       "protocol (.yaml), .pnml or .bpmn file, or a built-in protocol's id", "", true},
      {"--log", ArgKind::kText, "event log: .xes, .xes.gz, .csv or .csv.gz", "", true},
      {"--order", ArgKind::kText, "what orders intervals: start, end or source", "start"},
      {"--silent", ArgKind::kText, "cost of a silent step of the model", "0"},
      {"--limit-scale", ArgKind::kNumber, "multiply the norm's time limits by this", "1"},
      {"--budget", ArgKind::kInteger,
       "search states per case (5000000); beyond it bounds are given"},
      {"--cost-only", ArgKind::kFlag, "costs only: does not tell certain from ambiguous"},
      {"--alignments", ArgKind::kFlag, "with --json: one alignment of each case"},
      {"--threads", ArgKind::kInteger, "threads; the result is the same for any number", "1"},
      {"--draws", ArgKind::kInteger, "random weights of the norm's values tried", "1000"},
      {"--seed", ArgKind::kInteger, "of these weights", "1"},
      {"--limit", ArgKind::kInteger, "cases shown to people", "20"}};
  for (Arg& arg : log_args()) out.push_back(std::move(arg));
  return out;
}

}  // namespace

const Command kConformCommand{
    "conform", "Compare an event log with a protocol or process model", conform_args(), run_conform,
    "Exact alignments: certain = in every cheapest explanation, ambiguous = in some.\n"
    "Examples:\n"
    "  casebox conform --model lap-cholecystectomy --log cases.xes\n"
    "  casebox conform --model net.pnml --log log.csv --columns case=ID activity=WHAT end=WHEN "
    "--dates dmy"};

}  // namespace casebox::tools
