// analyze diversity: how many ways there are, whether one dominates, whether practice is narrowing.

#include <fmt/format.h>

#include <iterator>

#include "analytics/diversity/hill.h"
#include "analytics/diversity/monoculture.h"
#include "analytics/diversity/trend.h"
#include "analytics/diversity/variants.h"
#include "proto/text/text.h"
#include "tools/analyses/analyses.h"
#include "tools/analyses/discovery_parts.h"
#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

namespace diversity = analytics::diversity;

constexpr size_t kMostListed = 20;  // variants named in the document

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json hill_json(const diversity::Hill& hill) {
  return {{"q0", hill.q0}, {"q1", hill.q1}, {"q2", hill.q2}};
}

Json hill_json(const std::optional<diversity::Hill>& hill) {
  return hill ? hill_json(*hill) : Json(nullptr);
}

/// Hill numbers of the sample made smaller and larger, or at one coverage.
struct At {
  std::string what;
  uint64_t size = 0;
  std::optional<diversity::Hill> hill;
  std::optional<diversity::HillInterval> interval;
  std::optional<double> coverage;
};

At at_size(const diversity::Counts& counts, std::string what, uint64_t size, double level,
           size_t replicates, uint64_t seed) {
  return {std::move(what), size, diversity::hill_at(counts, size),
          diversity::hill_interval(counts, size, level, replicates, seed),
          diversity::coverage_at(counts, size)};
}

Json at_json(const At& at) {
  Json out;
  out["what"] = at.what;
  out["size"] = at.size;
  out["coverage"] = number_or_null(at.coverage);
  out["hill"] = hill_json(at.hill);
  out["low"] = at.interval ? hill_json(at.interval->low) : Json(nullptr);
  out["high"] = at.interval ? hill_json(at.interval->high) : Json(nullptr);
  return out;
}

Json trend_json(const diversity::Trend& trend) {
  Json out;
  out["answer"] = to_string(trend.direction);
  out["reasons"] = trend.reasons;
  out["notices"] = trend.notices;
  out["p"] = number_or_null(trend.p);
  out["slope"] = number_or_null(trend.slope);
  out["slope_interval"] = trend.low ? Json::array({*trend.low, *trend.high}) : Json(nullptr);
  out["ratio"] = number_or_null(trend.ratio);
  out["ratio_interval"] =
      trend.ratio_low ? Json::array({*trend.ratio_low, *trend.ratio_high}) : Json(nullptr);
  out["undated_cases"] = trend.undated;
  out["left_over_cases"] = trend.left_over;
  out["windows"] = Json::array();
  for (const diversity::TrendWindow& window : trend.windows) {
    diversity::Counts seen = window.counts;
    std::erase(seen, 0u);
    out["windows"].push_back({{"start", rfc3339(UtcTime{window.from_ns})},
                              {"end", rfc3339(UtcTime{window.to_ns})},
                              {"cases", diversity::sample_size(seen)},
                              {"coverage", window.coverage},
                              {"hill", hill_json(window.hill)},
                              {"diversity", window.diversity}});
  }
  return out;
}

/// Everything found, before it is written down.
struct Found {
  diversity::Variants variants;
  std::optional<diversity::Hill> alike;  // similarity-sensitive
  std::vector<At> at;
  diversity::Monoculture monoculture;
  diversity::Trend trend;
  bool by_likeness = false;  // the trend
};

std::string sequence_text(const analytics::EventLog& log,
                          const std::vector<analytics::ActivityId>& sequence) {
  std::string out;
  for (const analytics::ActivityId activity : sequence)
    out += (out.empty() ? "" : " > ") + log.activities[activity];
  return out.size() > 100 ? std::string(text::cut(out, 97)) + "..." : out;
}

Json variants_json(const Found& found, const analytics::EventLog& log) {
  Json out = Json::array();
  for (size_t i = 0; i < found.variants.counts.size() && i < kMostListed; ++i) {
    Json activities = Json::array();
    for (const analytics::ActivityId activity : found.variants.sequences[i])
      activities.push_back(log.activities[activity]);
    out.push_back({{"cases", found.variants.counts[i]}, {"activities", std::move(activities)}});
  }
  return out;
}

std::string answer_words(diversity::Direction direction) {
  switch (direction) {
    case diversity::Direction::kNarrowing: return "narrowing";
    case diversity::Direction::kWidening: return "widening";
    case diversity::Direction::kNoChangeDetected: return "no change detected";
    case diversity::Direction::kCannotSay: return "cannot say";
  }
  return "";
}

std::string text_of(const Found& found, const analytics::EventLog& log) {
  std::string out;
  auto line = std::back_inserter(out);
  const diversity::Counts& counts = found.variants.counts;
  const diversity::Hill hill = diversity::hill_numbers(counts);
  fmt::format_to(line,
                 "{} cases in {} variants. Weighed by how often each occurs that is as varied as "
                 "{:.1f} equally frequent ones; by the frequent ones, {:.1f}.\n",
                 diversity::sample_size(counts), counts.size(), hill.q1, hill.q2);
  if (found.alike)
    fmt::format_to(line, "Variants that are alike counted as nearly one: {:.2f}.\n",
                   found.alike->q1);
  fmt::format_to(line,
                 "The variants seen cover {:.1f} % of practice; the next case is a new one with "
                 "probability {:.1f} %.\n",
                 100 * diversity::sample_coverage(counts),
                 100 * (1 - diversity::sample_coverage(counts)));
  fmt::format_to(line, "{:<26} {:>7} {:>9}   {:<24} {:<24} {:<24}\n", "", "cases", "coverage",
                 "variants (q 0)", "weighed (q 1)", "frequent (q 2)");
  for (const At& at : found.at) {
    fmt::format_to(line, "{:<26} {:>7} {:>8.1f} %", at.what, at.size,
                   100 * at.coverage.value_or(0));
    for (double diversity::Hill::*q :
         {&diversity::Hill::q0, &diversity::Hill::q1, &diversity::Hill::q2})
      fmt::format_to(line, "  {:<23}",
                     at.hill && at.interval ? fmt::format("{:.2f} ({:.2f} to {:.2f})", *at.hill.*q,
                                                          at.interval->low.*q, at.interval->high.*q)
                                            : "too few cases");
    fmt::format_to(line, "\n");
  }
  for (size_t i = 0; i < counts.size() && i < 3; ++i)
    fmt::format_to(line, "  {:>5} cases: {}\n", counts[i],
                   sequence_text(log, found.variants.sequences[i]));
  fmt::format_to(line, "One pathway only? {}: {}.\n",
                 found.monoculture.alert == diversity::Alert::kAlert     ? "Yes, look"
                 : found.monoculture.alert == diversity::Alert::kNoAlert ? "No alert"
                                                                         : "Cannot say",
                 found.monoculture.reason);
  fmt::format_to(line, "Is practice narrowing? {}:", answer_words(found.trend.direction));
  const char* between = " ";
  for (const std::string& reason : found.trend.reasons) {
    fmt::format_to(line, "{}{}", between, reason);
    between = "; ";
  }
  fmt::format_to(line, ".\n");
  for (const diversity::TrendWindow& window : found.trend.windows)
    fmt::format_to(line, "  {} to {}: {:.2f}\n", rfc3339(UtcTime{window.from_ns}).substr(0, 10),
                   rfc3339(UtcTime{window.to_ns}).substr(0, 10), window.diversity);
  for (const std::string& notice : found.trend.notices) fmt::format_to(line, "Note: {}.\n", notice);
  return out;
}

std::vector<analytics::finding::Draft> drafts(const Found& found) {
  const diversity::Hill hill = diversity::hill_numbers(found.variants.counts);
  analytics::finding::Draft whole, trend;
  whole.kind = "diversity";
  whole.place = "diversity/variants";
  whole.values = {{"q0", hill.q0},
                  {"q1", hill.q1},
                  {"q2", hill.q2},
                  {"coverage", found.monoculture.coverage},
                  {"dominant_share", found.monoculture.share}};
  whole.labels = {{"monoculture", to_string(found.monoculture.alert)}};
  whole.text =
      fmt::format("{:.0f} variants, as varied as {:.1f} equally frequent ones.", hill.q0, hill.q1);
  trend.kind = "diversity-trend";
  trend.place = "diversity/trend";
  trend.labels = {{"answer", to_string(found.trend.direction)}};
  if (found.trend.slope)
    trend.values = {{"slope", *found.trend.slope},
                    {"slope_low", *found.trend.low},
                    {"slope_high", *found.trend.high},
                    {"p", *found.trend.p}};
  trend.text = fmt::format("Is practice narrowing? {}: {}.", answer_words(found.trend.direction),
                           found.trend.reasons.front());
  return {whole, trend};
}

Error usage(std::string what) { return {Code::kInvalidArgument, std::move(what)}; }

Result<CohortResult> run_diversity(const Args& args, const Cohort& cohort) {
  const int64_t window = args.integer("--window"), seed = args.integer("--seed");
  const int64_t replicates = args.integer("--replicates");
  const double level = args.number("--level"), threshold = args.number("--threshold");
  if (window < 1 || seed < 0 || replicates < 50 || replicates > 100000)
    return usage(
        "--window, --seed or --replicates is out of range; give a window from 1, a seed from 0, 50 "
        "to "
        "100000 replicates");
  if (!(level > 0 && level < 1) || !(threshold > 0 && threshold < 1))
    return usage("--level or --threshold is out of range; give numbers between 0 and 1");
  const std::string by = args.text("--by");
  if (by != "variants" && by != "likeness")
    return usage("--by: '" + by + "' is unknown; write variants or likeness");
  CASEBOX_TRY(const analytics::OrderBasis order, order_of(args));
  CohortResult out;
  const Readable readable(cohort);
  const analytics::EventLog& log = readable.log();
  out.json["excluded"] = excluded_json(readable.unread(), {});
  Found found;
  found.by_likeness = by == "likeness";
  found.variants = diversity::find_variants(log, order);
  const diversity::Counts& counts = found.variants.counts;
  const auto similarity = diversity::edit_similarities(found.variants.sequences);
  if (similarity) found.alike = diversity::similarity_sensitive(counts, *similarity);
  if (found.by_likeness && !similarity)
    return usage("--by likeness: too many variants to compare them all; give --by variants");

  const auto random = static_cast<uint64_t>(seed);
  const auto drawn = static_cast<size_t>(replicates);
  const uint64_t n = diversity::sample_size(counts);
  found.at.push_back(at_size(counts, "as recorded", n, level, drawn, random));
  if (args.has("--size")) {
    const int64_t size = args.integer("--size");
    if (size < 1) return usage("--size is too small; give at least 1");
    found.at.push_back(at_size(counts, "at the size asked for", static_cast<uint64_t>(size), level,
                               drawn, random));
  }
  if (args.has("--coverage")) {
    const double coverage = args.number("--coverage");
    if (!(coverage > 0 && coverage < 1))
      return usage("--coverage is out of range; give a number between 0 and 1");
    const auto size = diversity::size_for_coverage(counts, coverage);
    found.at.push_back(
        at_size(counts, "at the coverage asked for", size.value_or(0), level, drawn, random));
  }
  diversity::MonocultureOptions one_way;
  one_way.threshold = threshold;
  one_way.level = level;
  found.monoculture = diversity::check_monoculture(counts, one_way);
  diversity::TrendOptions options;
  options.window = static_cast<size_t>(window);
  options.level = level;
  options.seed = random;
  std::vector<diversity::DatedCase> dated;
  for (size_t i = 0; i < log.traces.size(); ++i)
    dated.push_back(
        {log.traces[i].case_key, log.traces[i].wall_start_ns, found.variants.of_trace[i]});
  found.trend =
      diversity::diversity_trend(dated, options, found.by_likeness ? &*similarity : nullptr);

  out.json["order"] = to_string(order);
  out.run.set_order_basis(to_string(order));
  out.run.set_seed(random);
  out.json["seed"] = seed;
  out.json["level"] = level;
  out.json["hill"] = hill_json(diversity::hill_numbers(counts));
  out.json["coverage"] = diversity::sample_coverage(counts);
  out.json["similarity_sensitive"] = hill_json(found.alike);
  out.json["estimates"] = Json::array();
  for (const At& at : found.at) out.json["estimates"].push_back(at_json(at));
  out.json["variants"] = variants_json(found, log);
  out.json["monoculture"] = {{"alert", to_string(found.monoculture.alert)},
                             {"reason", found.monoculture.reason},
                             {"share", found.monoculture.share},
                             {"interval", {found.monoculture.low, found.monoculture.high}},
                             {"threshold", threshold},
                             {"minimum_coverage", one_way.minimum_coverage}};
  out.json["trend"] = trend_json(found.trend);
  out.json["trend"]["by"] = by;
  out.text = text_of(found, log) + excluded_text(readable.unread(), {}, kMostListed);
  out.findings = drafts(found);
  return out;
}

}  // namespace

const CohortAnalysis& diversity_analysis() {
  static const CohortAnalysis kAnalysis{
      "diversity",
      "how many ways there are, whether one dominates, whether practice is narrowing",
      {{"--window", ArgKind::kInteger, "diversity: cases in each window of the trend", "20"},
       {"--by", ArgKind::kText, "diversity: trend of variants, or of their likeness", "variants"},
       {"--size", ArgKind::kInteger, "diversity: also at this number of cases, up to twice those"},
       {"--coverage", ArgKind::kNumber, "diversity: also at this coverage"},
       {"--threshold", ArgKind::kNumber, "diversity: share of one pathway that alerts", "0.8"},
       {"--level", ArgKind::kNumber, "diversity: of intervals", "0.95"},
       {"--replicates", ArgKind::kInteger, "diversity: bootstrap samples", "200"},
       {"--seed", ArgKind::kInteger, "diversity: of random draws", "1"},
       order_arg()},
      run_diversity};
  return kAnalysis;
}

}  // namespace casebox::tools
