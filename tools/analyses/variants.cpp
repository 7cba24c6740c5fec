// analyze variants: which pathways the cases of a cohort follow, and which cases.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "analytics/discovery/variants.h"
#include "tools/analyses/discovery_parts.h"

namespace casebox::tools {
namespace {

namespace discovery = analytics::discovery;
using analytics::EventLog;

struct FoundVariants {
  const EventLog& log;
  discovery::Sequences sequences;
  discovery::Variants variants;

  std::span<const analytics::ActivityId> steps(size_t v) const {
    return sequences.of(variants.variants[v].example);
  }
  /// Whichever order the log has them in.
  std::vector<std::string> case_ids(size_t v) const {
    std::vector<std::string> out;
    for (const uint32_t c : variants.cases_of(v)) out.push_back(log.traces[c].case_key);
    std::ranges::sort(out);
    return out;
  }
};

Json variants_json(const FoundVariants& found) {
  Json out = Json::array();
  for (size_t v = 0; v < found.variants.variants.size(); ++v) {
    Json one;
    one["variant"] = v + 1;
    one["count"] = found.variants.variants[v].count;
    one["share"] = static_cast<double>(found.variants.variants[v].count) /
                   static_cast<double>(found.sequences.cases());
    one["steps"] = Json::array();
    for (const auto step : found.steps(v)) one["steps"].push_back(found.log.activities[step]);
    one["case_ids"] = found.case_ids(v);
    out.push_back(std::move(one));
  }
  return out;
}

/// "a > b x3 > c".
std::string steps_text(const FoundVariants& found, size_t v) {
  const auto steps = found.steps(v);
  if (steps.empty()) return "(no events)";
  std::string out;
  for (size_t i = 0; i < steps.size();) {
    size_t end = i + 1;
    while (end < steps.size() && steps[end] == steps[i]) ++end;
    out += (out.empty() ? "" : " > ") + found.log.activities[steps[i]];
    if (end - i > 1) out += fmt::format(" x{}", end - i);
    i = end;
  }
  return out;
}

std::string cases_text(const FoundVariants& found, size_t v) {
  constexpr size_t kShown = 6;
  const auto ids = found.case_ids(v);
  std::string out;
  for (size_t i = 0; i < ids.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + ids[i];
  if (ids.size() > kShown) out += fmt::format(", and {} more", ids.size() - kShown);
  return out;
}

std::string text_of(const FoundVariants& found, size_t rows, const std::string& order) {
  const size_t cases = found.sequences.cases();
  const auto& variants = found.variants.variants;
  const auto once =
      static_cast<size_t>(std::ranges::count(variants, size_t{1}, &discovery::Variant::count));
  std::string out = fmt::format(
      "{} cases follow {} pathways (events in order of their {}); {} of them only one case.\n\n",
      cases, variants.size(), order, once);
  auto line = std::back_inserter(out);
  size_t covered = 0;
  for (size_t v = 0; v < rows; ++v) {
    covered += variants[v].count;
    fmt::format_to(line, "{:>4}. {} cases, {}; {} up to here\n", v + 1, variants[v].count,
                   share_text(variants[v].count, cases), share_text(covered, cases));
    fmt::format_to(line, "      {}\n      cases: {}\n", steps_text(found, v), cases_text(found, v));
  }
  if (rows < variants.size())
    fmt::format_to(line, "{} more pathways of {} cases; --top or --json shows them\n",
                   variants.size() - rows, cases - covered);
  return out;
}

std::vector<analytics::finding::Draft> variant_drafts(const FoundVariants& found) {
  std::vector<analytics::finding::Draft> out;
  const size_t cases = found.sequences.cases();
  for (size_t v = 0; v < found.variants.variants.size(); ++v) {
    const size_t count = found.variants.variants[v].count;
    analytics::finding::Draft& draft = out.emplace_back();
    draft.kind = "cohort-variant";
    draft.place = "variant/" + std::to_string(v + 1);
    draft.labels = {{"steps", steps_text(found, v)}};
    draft.values = {{"count", static_cast<double>(count)},
                    {"share", static_cast<double>(count) / static_cast<double>(cases)}};
    draft.text = fmt::format("{} of {} cases ({}) follow pathway {}.", count, cases,
                             share_text(count, cases), v + 1);
  }
  return out;
}

Result<CohortResult> run_variants(const Args& args, const Cohort& cohort) {
  CASEBOX_TRY(const analytics::OrderBasis order, order_of(args));
  const Readable readable(cohort);
  FoundVariants found{readable.log(), discovery::sequences_of(readable.log(), order), {}};
  found.variants = discovery::variants_of(found.sequences, found.log.activities);
  CohortResult out;
  out.json["order"] = to_string(order);
  out.json["read_cases"] = found.sequences.cases();
  out.json["events"] = found.sequences.steps.size();
  out.json["variants"] = variants_json(found);
  out.json["excluded"] = excluded_json(readable.unread(), {});
  out.text = text_of(found, rows_shown(args, found.variants.variants.size()), to_string(order)) +
             excluded_text(readable.unread(), {}, rows_shown(args, SIZE_MAX));
  out.run.set_order_basis(to_string(order));
  out.findings = variant_drafts(found);
  return out;
}

}  // namespace

const CohortAnalysis& variants_analysis() {
  static const CohortAnalysis kAnalysis{"variants",
                                        "which pathways the cases follow, with shares",
                                        {order_arg(), top_arg()},
                                        run_variants,
                                        {"--top"}};
  return kAnalysis;
}

}  // namespace casebox::tools
