#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "tools/commands.h"
#include "tools/conformance_document.h"
#include "tools/norms.h"
#include "tools/progress.h"

namespace casebox::tools {
namespace {

namespace conformance = analytics::conformance;
using conformance::CaseResult;

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

struct Totals {
  int64_t cost = 0;
  int64_t den = 0;
  double fitness_sum = 0;
  uint64_t fitting = 0;
  uint64_t inexact = 0;
  uint64_t ignored = 0;
};

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

void print_summary(const std::vector<CaseResult>& results) {
  struct Row {
    uint64_t certain = 0, ambiguous = 0, unobserved = 0, justified = 0;
  };
  std::map<std::string, Row> rows;
  for (const CaseResult& r : results) {
    std::map<std::string, std::set<v1::Certainty>> of_case;
    for (const conformance::Departure& d : r.departures)
      of_case[fmt::format("{:<8} {}", to_string(d.deviation), d.title)].insert(d.certainty);
    for (const auto& [what, certainties] : of_case) {
      Row& row = rows[what];
      row.certain += certainties.contains(v1::CERTAINTY_CERTAIN);
      row.ambiguous += certainties.contains(v1::CERTAINTY_AMBIGUOUS) &&
                       !certainties.contains(v1::CERTAINTY_CERTAIN);
      row.unobserved += certainties.contains(v1::CERTAINTY_UNOBSERVED);
      row.justified += certainties.contains(v1::CERTAINTY_JUSTIFIED);
    }
  }
  std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(), [](const auto& item) {
    return item.second.certain * 1000 + item.second.ambiguous;
  });
  if (sorted.empty()) return;
  fmt::print(
      "\nCases with                                              certain  perhaps  unseen  with "
      "reason\n");
  size_t shown = 0;
  for (const auto& [what, row] : sorted) {
    if (++shown > 15) {
      fmt::print("  ... and {} more kinds\n", sorted.size() - 15);
      break;
    }
    fmt::print("  {:<52} {:>7}  {:>7}  {:>6}  {:>11}\n", what.substr(0, 52), row.certain,
               row.ambiguous, row.unobserved, row.justified);
  }
}

Result<int> run(const Args& args) {
  conformance::Options options;
  CASEBOX_TRY(options.order, parse_order(args.text("--order")));
  CASEBOX_CHECK(parse_silent(args.text("--silent"), options));
  if (args.has("--budget")) {
    if (args.integer("--budget") < 1)
      return Error{Code::kInvalidArgument,
                   "--budget: write the number of search states, 1 or more"};
    options.budget = static_cast<uint64_t>(args.integer("--budget"));
  }
  options.limit_scale = args.number("--limit-scale");
  options.ambiguity = !args.flag("--cost-only");
  CASEBOX_TRY(const NormFile model, load_norm(args.text("--model")));
  CASEBOX_TRY(const analytics::EventLog log,
              load_log(args.text("--log"), args.list("--columns"), args.text("--dates")));
  auto created = conformance::Conformer::create(model.norm, options);
  if (!created) return annotate(std::move(created).error(), args.text("--model"));
  conformance::Conformer& conformer = **created;

  std::vector<CaseResult> results;
  Totals totals;
  Progress progress("comparing", log.traces.size(), "cases");
  for (const analytics::Trace& trace : log.traces) {
    CaseResult r = conformer.conform(log, trace, {});
    totals.cost += r.cost;
    totals.den += r.fitness_den;
    totals.fitness_sum += r.fitness();
    totals.fitting += r.exact && r.cost == 0;
    totals.inexact += !r.exact;
    totals.ignored += r.ignored_events;
    results.push_back(std::move(r));
    progress.update(results.size());
  }
  const double mean =
      results.empty() ? 1 : totals.fitness_sum / static_cast<double>(results.size());
  const double pooled =
      totals.den == 0 ? 1 : 1 - static_cast<double>(totals.cost) / static_cast<double>(totals.den);

  if (args.json()) {
    Json json = document("conform");
    json["model"] = model_json(model);
    json["log"]["path"] = args.text("--log");
    json["log"]["cases"] = log.traces.size();
    json["log"]["events"] = log.event_count();
    json["log"]["variants"] = conformer.variants();
    json["log"]["ignored_events"] = totals.ignored;
    json["log"]["notices"] = log.notices;
    json["conventions"]["order"] = to_string(options.order);
    json["conventions"]["silent_cost"] = cost_json(options.silent_cost, options.unit);
    json["conventions"]["fitness"] = kFitness;
    json["conventions"]["shortest_model_cost"] =
        cost_json(conformer.shortest_model_cost(), options.unit);
    json["totals"]["cost"] = cost_json(totals.cost, options.unit);
    json["totals"]["fitness_mean"] = mean;
    json["totals"]["fitness_pooled"] = pooled;
    json["totals"]["fitting_cases"] = totals.fitting;
    json["totals"]["inexact_cases"] = totals.inexact;
    json["cases"] = Json::array();
    for (const CaseResult& r : results)
      json["cases"].push_back(
          case_result_json(r, model.norm, options.unit, args.flag("--alignments")));
    print(json);
    return 0;
  }

  fmt::print("Norm  {} ({})\n", model.norm.name(), model.path);
  for (const std::string& notice : model.norm.notices) fmt::print("      note: {}\n", notice);
  fmt::print("Log   {}: {} cases, {} events, {} variants\n", args.text("--log"), log.traces.size(),
             log.event_count(), conformer.variants());
  for (const std::string& notice : log.notices) fmt::print("      note: {}\n", notice);
  fmt::print("Order by {}; silent steps cost {}; fitness = {}.\n", to_string(options.order),
             args.text("--silent"), kFitness);
  fmt::print(
      "{} of {} cases follow the norm's flow throughout; mean fitness {:.4f}, pooled {:.4f}.\n",
      totals.fitting, results.size(), mean, pooled);
  print_summary(results);
  fmt::print("\n");
  const auto limit = static_cast<size_t>(std::max<int64_t>(0, args.integer("--limit")));
  size_t shown = 0, with = 0;
  for (const CaseResult& r : results) {
    if (r.departures.empty() && r.exact && results.size() > limit) continue;
    ++with;
    if (shown == limit) continue;
    ++shown;
    print_case_result(stdout, r, options.unit);
  }
  if (with > shown)
    fmt::print("... and {} more cases with departures; --limit {} shows them, --json all\n",
               with - shown, with);
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
      {"--budget", ArgKind::kInteger, "search states per case; beyond it bounds are given"},
      {"--cost-only", ArgKind::kFlag, "costs only: does not tell certain from ambiguous"},
      {"--alignments", ArgKind::kFlag, "with --json: one alignment of each case"},
      {"--limit", ArgKind::kInteger, "cases shown to people", "20"}};
  for (Arg& arg : log_args()) out.push_back(std::move(arg));
  return out;
}

}  // namespace

const Command kConformCommand{
    "conform", "Compare an event log with a protocol or process model", conform_args(), run,
    "Exact alignments: certain = in every cheapest explanation, ambiguous = in some.\n"
    "Examples:\n"
    "  casebox conform --model lap-cholecystectomy --log cases.xes\n"
    "  casebox conform --model net.pnml --log log.csv --columns case=ID activity=WHAT end=WHEN "
    "--dates dmy"};

}  // namespace casebox::tools
