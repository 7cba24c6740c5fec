// analyze timing: how long each phase took over a cohort.

#include <fmt/format.h>

#include <iterator>

#include "analytics/timing/phase_timing.h"
#include "tools/analyses/analyses.h"

namespace casebox::tools {
namespace {

namespace timing = analytics::timing;

Json interval_json(const std::optional<timing::Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

Json excluded_rows(const std::vector<timing::Excluded>& excluded) {
  Json out = Json::array();
  for (const timing::Excluded& one : excluded)
    out.push_back({{"case_id", one.case_id},
                   {"phase", one.phase.empty() ? Json(nullptr) : Json(one.phase)},
                   {"reason", one.reason}});
  return out;
}

Json phases_json(const std::vector<timing::PhaseRow>& rows) {
  Json out = Json::array();
  for (const timing::PhaseRow& row : rows) {
    Json one;
    one["phase"] = row.phase;
    one["n"] = row.n;
    one["median_s"] = row.median_s;
    one["mad_s"] = row.mad_s;
    one["mean_s"] = row.mean_s;
    one["hl_s"] = row.hl_s;
    one["ci95_s"] = interval_json(row.ci95_s);
    one["log_hl_s"] = row.log_hl_s;
    one["log_ci95_s"] = interval_json(row.log_ci95_s);
    one["median_ci95_s"] = interval_json(row.median_ci95_s);
    one["median_span_s"] = row.median_span_s;
    one["median_idle_s"] = row.median_idle_s;
    one["mean_entries"] = row.mean_entries;
    out.push_back(std::move(one));
  }
  return out;
}

/// The times of each case that may be timed.
Json times_json(const std::vector<timing::TimedCase>& cases) {
  Json out = Json::array();
  for (const timing::TimedCase& one : cases) {
    if (!one.withheld.empty()) continue;
    for (const timing::PhaseTime& time : timing::time_phases(*one.log, *one.trace))
      out.push_back({{"case_id", one.trace->case_key},
                     {"phase", time.phase},
                     {"active_s", time.open ? Json(nullptr) : Json(time.active_s)},
                     {"span_s", time.span_s},
                     {"idle_s", time.open ? Json(nullptr) : Json(time.idle_s)},
                     {"entries", time.entries},
                     {"u95_s", time.u95_s}});
  }
  return out;
}

std::string table_text(const timing::TimingTable& table) {
  std::string out;
  auto line = std::back_inserter(out);
  fmt::format_to(line, "{:<28} {:>5} {:>9} {:>8} {:>9} {:>9}   {}\n", "phase", "n", "median s",
                 "MAD s", "mean s", "HL s", "95 % interval of HL");
  for (const timing::PhaseRow& row : table.phases)
    fmt::format_to(line, "{:<28} {:>5} {:>9.1f} {:>8.1f} {:>9.1f} {:>9.1f}   {}\n", row.phase,
                   row.n, row.median_s, row.mad_s, row.mean_s, row.hl_s,
                   row.ci95_s ? fmt::format("{:.1f} - {:.1f}", row.ci95_s->low, row.ci95_s->high)
                              : "too few cases");
  for (const timing::Excluded& one : table.excluded)
    fmt::format_to(line, "left out: {}{}: {}\n", one.case_id,
                   one.phase.empty() ? "" : ", " + one.phase, one.reason);
  return out;
}

/// One finding a phase. A table rests on all of its cases; their frames are named by the caller.
std::vector<analytics::finding::Draft> drafts(const timing::TimingTable& table) {
  std::vector<analytics::finding::Draft> out;
  for (const timing::PhaseRow& row : table.phases) {
    analytics::finding::Draft& draft = out.emplace_back();
    draft.kind = "cohort-timing";
    draft.place = "phase/" + row.phase;
    draft.step = row.phase;
    draft.values = {{"n", static_cast<double>(row.n)},
                    {"median_s", row.median_s},
                    {"mad_s", row.mad_s},
                    {"mean_s", row.mean_s},
                    {"hl_s", row.hl_s},
                    {"log_hl_s", row.log_hl_s}};
    if (row.ci95_s) {
      draft.values["ci95_low_s"] = row.ci95_s->low;
      draft.values["ci95_high_s"] = row.ci95_s->high;
    }
    draft.text = fmt::format("{}: median {:.0f} s over {} cases.", row.phase, row.median_s, row.n);
  }
  return out;
}

Result<CohortResult> run_timing(const Args& args, const Cohort& cohort) {
  std::vector<timing::TimedCase> cases;
  for (size_t i = 0; i < cohort.log.traces.size(); ++i)
    cases.push_back({&cohort.log, &cohort.log.traces[i], cohort.withheld[i]});
  const timing::TimingTable table = timing::time_cohort(cases);
  CohortResult out;
  out.json["excluded"] = excluded_rows(table.excluded);
  out.json["phases"] = phases_json(table.phases);
  if (args.flag("--each")) out.json["times"] = times_json(cases);
  out.text = table_text(table);
  out.findings = drafts(table);
  return out;
}

}  // namespace

const CohortAnalysis& timing_analysis() {
  static const CohortAnalysis kAnalysis{
      "timing",
      "how long each phase took: location, spread, intervals",
      {{"--each", ArgKind::kFlag, "timing, with --json: the times of each case too"}},
      run_timing,
      {"--each"}};
  return kAnalysis;
}

}  // namespace casebox::tools
