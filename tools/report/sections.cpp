#include "tools/report/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "analytics/finding/labels.h"
#include "tools/cli/names.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

using analytics::finding::deviation_of;
using analytics::finding::label_of;

const std::pair<const char*, const char*> kUnits[] = {
    {"_per_s", "/s"}, {"_per_h", "/h"}, {"_ppm", "ppm"}, {"_bytes", "bytes"},
    {"_ns", "ns"},    {"_ms", "ms"},    {"_s", "s"},     {"_pct", "%"},
};

std::string seconds_text(int64_t ns) { return clock_text(seconds_of(ns)); }

Html source_table(const v1::Finding& finding) {
  std::vector<std::vector<Html>> rows;
  for (const v1::SourceRange& source : finding.sources())
    rows.push_back(
        {source.stream().empty() ? "stream " + std::to_string(source.stream_id()) : source.stream(),
         to_string(Epoch{source.epoch()}),
         std::to_string(source.first_number()) + " to " + std::to_string(source.last_number()),
         seconds_text(source.t0_ns()) + " to " + seconds_text(source.t1_ns()),
         tag("span", {{"class", "mono"}}, {to_hex(source.sha256())})});
  return table("Source frames",
               {{"Stream"}, {"Epoch"}, {"Numbers"}, {"Case time"}, {"SHA-256 of the frames"}}, rows,
               "It names no source frames.");
}

}  // namespace

std::string length_text(double seconds) {
  if (seconds < 60) return fixed(seconds, 1) + " s";
  const int64_t whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min {:02} s", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string bound_text(const std::optional<query::Bound>& bound, double t_s) {
  if (!bound) return bound_text(-1);
  const double before = t_s - bound->low_s, after = bound->high_s - t_s;
  // Printed alike: one number says it.
  if (std::abs(before - after) < .05) return bound_text(std::max(before, after));
  return "\xE2\x88\x92" + fixed(before, 1) + " to +" + fixed(after, 1) + " s";
}

std::string bound_text(double u95_s) {
  if (u95_s < 0) return "no bound can be given";
  return "\xC2\xB1" + fixed(u95_s, u95_s < 1 ? 3 : 1) + " s";
}

std::string number_text(double value) { return fmt::format("{:.6g}", value); }

std::pair<std::string, std::string> value_text(const std::string& key, double value) {
  for (const auto& [suffix, unit] : kUnits)
    if (key.size() > std::string_view(suffix).size() && key.ends_with(suffix))
      return {words(key.substr(0, key.size() - std::string_view(suffix).size())),
              number_text(value) + " " + unit};
  return {words(key), number_text(value)};
}

std::string departure_title(const v1::Finding& finding) {
  static const std::map<std::string, std::string> kWords = {
      {"missing", "Not seen"},        {"extra", "Additional"},
      {"order", "Out of order"},      {"time", "Longer than agreed"},
      {"unobserved", "Not observed"}, {"justified", "Justified departure"}};
  const std::string deviation = deviation_of(finding);
  const auto it = kWords.find(deviation);
  const std::string step = finding.step().empty() ? label_of(finding, "step") : finding.step();
  const bool marks = deviation == "missing" && label_of(finding, "shown_by") == "people";
  return (marks                ? "Not marked"
          : it == kWords.end() ? words(deviation)
                               : it->second) +
         ": " + words(step);
}

std::string certainty_meaning(v1::Certainty certainty) {
  switch (certainty) {
    case v1::CERTAINTY_CERTAIN:
      return "It is in every best explanation of what was recorded. Of a step that is not there: "
             "what can show it was recorded all the time it could have been done.";
    case v1::CERTAINTY_AMBIGUOUS:
      return "It is in some explanations of what was recorded and not in others.";
    case v1::CERTAINTY_UNOBSERVED:
      return "What can show this step was not recorded all the time it could have been done. Not "
             "observed is not omitted.";
    case v1::CERTAINTY_JUSTIFIED: return "A reason was recorded at the time. It is not scored.";
    default: return "No certainty was stated.";
  }
}

std::string what_would_change(const v1::Finding& finding) {
  const std::string stated = label_of(finding, "alternative");
  if (!stated.empty()) return stated;
  switch (finding.certainty()) {
    case v1::CERTAINTY_CERTAIN:
      return "Proof that a source named below was wrong at this time, or an accepted pathway that "
             "the protocol does not list.";
    case v1::CERTAINTY_AMBIGUOUS:
      return "Any observation that tells the equally good explanations apart.";
    case v1::CERTAINTY_UNOBSERVED: return "Any account or record of the step.";
    case v1::CERTAINTY_JUSTIFIED: return "Doubt about the recorded reason.";
    default: return "Not stated.";
  }
}

std::vector<const v1::Finding*> findings(const CaseView& view, const std::string& kind) {
  std::vector<const v1::Finding*> out;
  for (const v1::Finding& finding : view.findings)
    if (finding.kind() == kind) out.push_back(&finding);
  return out;
}

std::vector<const v1::Finding*> departures(const CaseView& view, v1::Certainty certainty) {
  std::vector<const v1::Finding*> out = findings(view, "departure");
  std::erase_if(out, [&](const v1::Finding* finding) { return finding->certainty() != certainty; });
  return out;
}

bool outside_usual(const PhaseStatistics* usual, double seconds) {
  return usual != nullptr && usual->n >= kMinimumGroup &&
         (seconds < usual->p10_s || seconds > usual->p90_s);
}

std::vector<std::pair<std::string, double>> phase_seconds(const std::vector<PhaseSpan>& spans) {
  std::vector<std::pair<std::string, double>> out;
  std::set<std::string> open;
  for (const PhaseSpan& span : spans)
    if (span.open) open.insert(span.label);
  for (const PhaseSpan& span : spans) {
    if (open.contains(span.label)) continue;
    auto it = std::find_if(out.begin(), out.end(),
                           [&](const auto& one) { return one.first == span.label; });
    if (it == out.end()) it = out.insert(out.end(), {span.label, 0.0});
    it->second += std::max(0.0, span.t1_s - span.t0_s);
  }
  return out;
}

Html phase_table(const CaseEvidence& evidence) {
  std::vector<std::vector<Html>> rows;
  const std::string record = record_tag(evidence.custody.case_digest);
  const auto lengths = phase_seconds(evidence.phases);
  const bool none = std::ranges::none_of(lengths, [&](const auto& one) {
    const PhaseStatistics* usual = evidence.comparison.find(one.first);
    return usual != nullptr && usual->n >= kMinimumGroup;
  });
  if (none) {
    for (const auto& [phase, seconds] : lengths)
      rows.push_back({words(phase), join({length_text(seconds), " ", reference(record)})});
    return table("Active time of each phase; no phase has 11 other cases to compare it with",
                 {{"Phase"}, {"This case", true}}, rows, "No phases are known of this case.");
  }
  for (const auto& [phase, seconds] : lengths) {
    const PhaseStatistics* usual = evidence.comparison.find(phase);
    const bool enough = usual != nullptr && usual->n >= kMinimumGroup;
    const std::string n = usual == nullptr ? "0" : std::to_string(usual->n);
    rows.push_back({words(phase), join({length_text(seconds), " ", reference(record)}),
                    enough ? n : n + " (under 11)",
                    enough ? length_text(usual->median_s) : "withheld",
                    enough ? length_text(usual->low_s) + " to " + length_text(usual->high_s) : "",
                    enough ? length_text(usual->p10_s) + " to " + length_text(usual->p90_s) : "",
                    enough ? join({outside_usual(usual, seconds) ? "outside" : "inside", " ",
                                   reference(usual->tag)})
                           : Html()});
  }
  return table("Active time of each phase beside the other cases of the procedure in this store",
               {{"Phase"},
                {"This case", true},
                {"n", true},
                {"Median", true},
                {"95 % interval of the median", true},
                {"Usual range (10th to 90th percentile)", true},
                {"This case is"}},
               rows, "No phases are known of this case.");
}

Html evidence_annex(const std::vector<const v1::Finding*>& named) {
  Children out;
  for (const v1::Finding* finding : named) {
    const v1::AnalysisRun& run = finding->run();
    const std::string name = finding_tag(*finding), id = to_hex(finding->id());
    out.push_back(tag(
        "div", {{"class", "box"}, {"id", name}},
        {tag("h3", {name + "  " +
                    (finding->kind() == "departure" ? departure_title(*finding)
                                                    : words(finding->kind()))}),
         tag("dl",
             {tag("dt", {"Finding"}), tag("dd", {{"class", "mono"}}, {id}), tag("dt", {"Made by"}),
              tag("dd", {run.job() + " " + run.job_version() + ", " + run.binary()}),
              tag("dt", {"Program"}),
              tag("dd", {{"class", "mono"}}, {"sha256 " + to_hex(run.binary_sha256())}),
              tag("dt", {"Protocol"}),
              tag("dd", {{"class", "mono"}},
                  {run.protocol().empty()
                       ? "none"
                       : run.protocol() + " sha256 " + to_hex(run.protocol_sha256())}),
              tag("dt", {"Settings, seed"}),
              tag("dd", {{"class", "mono"}},
                  {"sha256 " + to_hex(run.config_sha256()) + ", seed " +
                   std::to_string(run.seed()) + ", order by " +
                   (run.order_basis().empty() ? "not stated" : run.order_basis())}),
              tag("dt", {"Check it"}),
              tag("dd", {{"class", "mono"}}, {"casebox why " + id + " --store STORE"})}),
         source_table(*finding)}));
  }
  return out.empty() ? tag("p", {{"class", "none"}}, {"No findings are named."}) : join(out);
}

PageVerdict verdict_of(const verify::Report& report) {
  PageVerdict out{verify::to_string(report.verdict), verify::is_complete(report.verdict), ""};
  if (!report.problems.empty())
    out.why = report.problems.front().where + ": " + report.problems.front().detail + ".";
  return out;
}

}  // namespace casebox::tools::report
