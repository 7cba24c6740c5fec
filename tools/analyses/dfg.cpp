// analyze dfg: the directly-follows graph of a cohort.

#include <fmt/format.h>

#include <iterator>

#include "analytics/discovery/directly_follows.h"
#include "tools/analyses/discovery_parts.h"

namespace casebox::tools {
namespace {

namespace discovery = analytics::discovery;
using analytics::EventLog;

Json counts_json(const EventLog& log, const std::vector<discovery::ActivityCount>& counts) {
  Json out = Json::array();
  for (const discovery::ActivityCount& one : counts)
    out.push_back({{"activity", log.activities[one.activity]}, {"count", one.count}});
  return out;
}

Json waits_json(const std::optional<discovery::Waits>& waits) {
  if (!waits) return nullptr;
  return {{"n", waits->n},           {"overlapping", waits->overlapping},
          {"mean_s", waits->mean_s}, {"min_s", waits->min_s},
          {"q25_s", waits->q25_s},   {"median_s", waits->median_s},
          {"q75_s", waits->q75_s},   {"max_s", waits->max_s}};
}

Json arcs_json(const EventLog& log, const discovery::DirectlyFollows& graph) {
  Json out = Json::array();
  for (const discovery::Arc& arc : graph.arcs)
    out.push_back({{"from", log.activities[arc.from]},
                   {"to", log.activities[arc.to]},
                   {"count", arc.count},
                   {"cases", arc.cases},
                   {"waits", waits_json(arc.waits)}});
  return out;
}

std::string ends_text(const EventLog& log, const char* what,
                      const std::vector<discovery::ActivityCount>& counts, uint64_t cases) {
  constexpr size_t kShown = 5;
  std::string out = what;
  for (size_t i = 0; i < counts.size() && i < kShown; ++i)
    out += fmt::format("{} {} ({}, {})", i == 0 ? "" : ",", log.activities[counts[i].activity],
                       counts[i].count, share_text(counts[i].count, cases));
  if (counts.size() > kShown) out += fmt::format(", and {} others", counts.size() - kShown);
  return out + "\n";
}

std::string text_of(const EventLog& log, const discovery::DirectlyFollows& graph, size_t rows,
                    const std::string& order) {
  std::vector<uint64_t> leaving(log.activities.size());
  for (const discovery::Arc& arc : graph.arcs) leaving[arc.from] += arc.count;
  std::string out =
      fmt::format("{} cases, {} events in order of their {}; {} arcs, passed {} times.\n",
                  graph.cases, graph.events, order, graph.arcs.size(), graph.passages);
  out += ends_text(log, "begin with", graph.starts, graph.cases);
  out += ends_text(log, "end with", graph.ends, graph.cases);
  auto line = std::back_inserter(out);
  fmt::format_to(line, "\n{:>8} {:>8} {:>8} {:>14} {:>14} {:>14}   {}\n", "passed", "of all",
                 "cases", "median wait", "25 %", "75 %", "from -> to");
  for (size_t i = 0; i < rows; ++i) {
    const discovery::Arc& arc = graph.arcs[i];
    const auto wait = [&](double discovery::Waits::*which) {
      return arc.waits ? span_text((*arc.waits).*which) : std::string("no times");
    };
    fmt::format_to(line, "{:>8} {:>8} {:>8} {:>14} {:>14} {:>14}   {} -> {}\n", arc.count,
                   share_text(arc.count, leaving[arc.from]), arc.cases,
                   wait(&discovery::Waits::median_s), wait(&discovery::Waits::q25_s),
                   wait(&discovery::Waits::q75_s), log.activities[arc.from],
                   log.activities[arc.to]);
  }
  if (rows < graph.arcs.size())
    fmt::format_to(line, "{} more arcs; --top or --json shows them\n", graph.arcs.size() - rows);
  return out +
         "\nof all: share of the passages that leave the first activity. A wait runs from the end "
         "of one\nto the start of the next; below zero they overlap.\n";
}

std::vector<analytics::finding::Draft> drafts(const EventLog& log,
                                              const discovery::DirectlyFollows& graph) {
  std::vector<analytics::finding::Draft> out;
  for (const discovery::Arc& arc : graph.arcs) {
    const std::string &from = log.activities[arc.from], &to = log.activities[arc.to];
    analytics::finding::Draft& draft = out.emplace_back();
    draft.kind = "cohort-arc";
    draft.place = "arc/" + from + "/" + to;
    draft.step = from;
    draft.labels = {{"from", from}, {"to", to}};
    draft.values = {{"count", static_cast<double>(arc.count)},
                    {"cases", static_cast<double>(arc.cases)}};
    if (arc.waits) {
      draft.values["waits"] = static_cast<double>(arc.waits->n);
      draft.values["median_wait_s"] = arc.waits->median_s;
    }
    draft.text = fmt::format("{} is followed by {} {} times, in {} of {} cases.", from, to,
                             arc.count, arc.cases, graph.cases);
  }
  return out;
}

Result<CohortResult> run_dfg(const Args& args, const Cohort& cohort) {
  CASEBOX_TRY(const analytics::OrderBasis order, order_of(args));
  const Readable readable(cohort);
  const EventLog& log = readable.log();
  const auto graph = discovery::directly_follows(log, order, readable.withheld());
  CohortResult out;
  out.json["order"] = to_string(order);
  out.json["read_cases"] = graph.cases;
  out.json["events"] = graph.events;
  out.json["passages"] = graph.passages;
  out.json["activities"] = counts_json(log, graph.activities);
  out.json["starts"] = counts_json(log, graph.starts);
  out.json["ends"] = counts_json(log, graph.ends);
  out.json["arcs"] = arcs_json(log, graph);
  out.json["excluded"] = excluded_json(readable.unread(), graph.excluded);
  out.text = text_of(log, graph, rows_shown(args, graph.arcs.size()), to_string(order)) +
             excluded_text(readable.unread(), graph.excluded, rows_shown(args, SIZE_MAX));
  out.run.set_order_basis(to_string(order));
  out.findings = drafts(log, graph);
  return out;
}

}  // namespace

const CohortAnalysis& dfg_analysis() {
  static const CohortAnalysis kAnalysis{"dfg",
                                        "what comes right after what: counts, shares, waits",
                                        {order_arg(), top_arg()},
                                        run_dfg,
                                        {"--top"}};
  return kAnalysis;
}

}  // namespace casebox::tools
