// Alignments: against pm4py on public logs (B1), cases a second on a protocol (B2), and whether
// threads or the order of cases change anything (B8). Times are the processor's, of one thread
// where nothing else is said: other work on the machine does not count.

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "analytics/conformance/weights.h"
#include "analytics/conformance/whole_log.h"
#include "analytics/readers/model_reader.h"
#include "analytics/readers/xes_reader.h"
#include "proto/base/bytes.h"
#include "proto/seal/seal.h"
#include "tools/bench/bench.h"
#include "tools/bench/perturbed.h"
#include "tools/documents/conformance_document.h"
#include "tools/documents/weights_document.h"

namespace casebox::tools::bench {
namespace {

namespace conformance = analytics::conformance;
namespace fs = std::filesystem;

double processor_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Timed {
  double seconds = 0;  // the middle of the runs
  conformance::LogResult result;
};

/// Aligns a log again and again for about `budget_s`, at least three times.
Result<Timed> align(const analytics::protocol::Norm& norm, const analytics::EventLog& log,
                    const conformance::Options& options, double budget_s) {
  Timed out;
  std::vector<double> seconds;
  const double begin = processor_seconds();
  while (seconds.size() < 3 || processor_seconds() - begin < budget_s) {
    const double before = processor_seconds();
    CASEBOX_TRY(out.result, conformance::conform_log(norm, log, options));
    seconds.push_back(processor_seconds() - before);
  }
  out.seconds = median(std::move(seconds));
  return out;
}

struct Pair {
  const char* name;
  const char* log;
  const char* model;
};
constexpr Pair kPairs[] = {
    {"receipt", "public_logs/08_receipt.xes.gz", "models/receipt-imf02.pnml"},
    {"roadtraffic", "public_logs/roadtraffic100traces.xes", "public_logs/roadtraffic.pnml"},
    {"running-example", "public_logs/running-example.xes", "public_logs/running-example.pnml"},
};

/// The peer's variants on the same files: each must say the same cost of each case.
Result<void> compare(const Context& context, const fs::path& log, const fs::path& model,
                     const Timed& ours, Figure figure, std::vector<Figure>& figures) {
  CASEBOX_TRY(const Apart run,
              run_peer(*context.peers, "alignments.py", {log.string(), model.string()}));
  const Json& variants = run.document["variants"];
  const auto cases = static_cast<double>(ours.result.cases.size());
  std::string fastest;
  for (const auto& [name, variant] : variants.items()) {
    const Json& costs = variant["costs"];
    bool same = costs.size() == ours.result.cases.size();
    for (size_t i = 0; same && i < costs.size(); ++i)
      same = costs[i].get<int64_t>() == ours.result.cases[i].cost;
    if (!same)
      return Error{Code::kCorrupt, log.string() + ": pm4py's variant '" + name +
                                       "' finds other costs; compare the cases"};
    if (fastest.empty() ||
        variant["seconds"].get<double>() < variants[fastest]["seconds"].get<double>())
      fastest = name;
  }
  figure.peer_version = run.document["peer_version"].get<std::string>();
  const std::string usual = run.document["default"].get<std::string>();
  for (const auto& [what, variant] : {std::pair("fastest", fastest), std::pair("default", usual)}) {
    Figure one = figure;
    one.id += std::string(".") + what;
    one.peer = "pm4py, " + variant + " (its " + what + ")";
    one.peer_value = cases / variants[variant]["seconds"].get<double>();
    figures.push_back(one);
  }
  return ok();
}

/// B1: costs and one alignment of each case, as the peer gives them.
Result<void> public_pairs(const Context& context, std::vector<Figure>& figures) {
  if (context.data.empty()) return ok();
  for (const Pair& pair : kPairs) {
    const fs::path log_file = context.data / "process_logs" / pair.log;
    const fs::path model_file = context.data / "process_logs" / pair.model;
    CASEBOX_TRY(const auto log, analytics::readers::read_xes(log_file));
    CASEBOX_TRY(const auto norm, analytics::readers::read_model(model_file));
    conformance::Options options;
    options.order = analytics::OrderBasis::kSource;
    options.ambiguity = false;
    CASEBOX_TRY(const Timed timed, align(norm, log, options, context.seconds / 4));
    Figure figure;
    figure.id = fmt::format("B1.alignments.{}", pair.name);
    figure.name = fmt::format("{} cases aligned with {}, cost {} each way", log.traces.size(),
                              model_file.filename().string(), timed.result.totals.cost);
    figure.value = static_cast<double>(log.traces.size()) / timed.seconds;
    figure.unit = "cases/s/core";
    if (context.peers)
      CASEBOX_CHECK(compare(context, log_file, model_file, timed, figure, figures));
    else
      figures.push_back(figure);
  }
  return ok();
}

/// B2.
Result<void> perturbed(const Context& context, std::vector<Figure>& figures) {
  constexpr size_t kCases = 10'000;
  const analytics::protocol::Norm norm = measured_norm();
  const analytics::EventLog log = perturbed_cases(norm, kCases, context.seed);
  for (const bool ambiguity : {false, true}) {
    conformance::Options options;
    options.ambiguity = ambiguity;
    CASEBOX_TRY(const Timed timed, align(norm, log, options, context.seconds));
    if (timed.result.totals.inexact > 0)
      return Error{Code::kInternal, "B2: a case was not aligned exactly; report this"};
    Figure figure;
    figure.id = ambiguity ? "B2.conform.with_ambiguity" : "B2.conform.cost_only";
    figure.name =
        fmt::format("{} distinct disturbed cases on {} places{}", kCases, norm.net.places.size(),
                    ambiguity ? ", with certainty, margins and alternatives" : "");
    figure.value = static_cast<double>(kCases) / timed.seconds;
    figure.unit = "cases/s/core";
    figures.push_back(figure);
  }
  return ok();
}

/// SHA-256 over all that is printed of each case, by its name.
std::string digest_of(const analytics::protocol::Norm& norm, const conformance::LogResult& result) {
  const conformance::Weighing weighing = conformance::weigh(norm, result.cases, {.draws = 50});
  std::map<std::string, std::string> by_case;
  for (size_t i = 0; i < result.cases.size(); ++i)
    by_case[result.cases[i].case_key] = to_text(case_result_json(result.cases[i], norm, 1, true)) +
                                        to_text(weighed_case_json(weighing, i));
  std::string all =
      fmt::format("{} {} {}\n", result.totals.cost, result.fitness_mean(), result.fitness_pooled());
  for (const auto& [name, text] : by_case) all += name + text + "\n";
  return to_hex(seal::sha256(all));
}

/// B8: twenty runs on 1, 2 and 4 threads, each with the cases in another order.
Result<void> reproducible(const Context& context, std::vector<Figure>& figures) {
  constexpr int kRuns = 20;
  const analytics::protocol::Norm norm = measured_norm();
  analytics::EventLog log = perturbed_cases(norm, 150, context.seed);
  std::mt19937_64 random(context.seed);
  std::set<std::string> digests;
  // Twice: with all markings known beforehand, and with those found by the search.
  for (const uint32_t max_markings : {200'000u, 5u}) {
    std::set<std::string> of_these;
    conformance::Options options;
    options.max_markings = max_markings;
    for (int run = 0; run < kRuns; ++run) {
      std::ranges::shuffle(log.traces, random);
      for (const unsigned threads : {1u, 2u, 4u}) {
        CASEBOX_TRY(const auto result, conformance::conform_log(norm, log, options, threads));
        of_these.insert(digest_of(norm, result));
      }
    }
    if (of_these.size() > digests.size()) digests = of_these;
  }
  Figure figure;
  figure.id = "B8.conform.distinct_digests";
  figure.name = fmt::format("{} runs on 1, 2 and 4 threads, cases shuffled: SHA-256 {}...", kRuns,
                            digests.begin()->substr(0, 16));
  figure.value = static_cast<double>(digests.size());
  figure.unit = "digests";
  figure.higher_is_better = false;
  figures.push_back(figure);
  return ok();
}

}  // namespace

Result<void> run_conformance(const Context& context, std::vector<Figure>& figures) {
  CASEBOX_CHECK(perturbed(context, figures));
  CASEBOX_CHECK(reproducible(context, figures));
  CASEBOX_CHECK(run_provenance(context, figures));
  return public_pairs(context, figures);
}

}  // namespace casebox::tools::bench
