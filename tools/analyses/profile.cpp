// analyze profile: usual times between steps, and the times that are unlike them.

#include <fmt/format.h>

#include <iterator>

#include "analytics/discovery/temporal_profile.h"
#include "tools/analyses/discovery_parts.h"
#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

namespace discovery = analytics::discovery;
using analytics::EventLog;

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json pairs_json(const discovery::TemporalProfile& profile) {
  Json out = Json::array();
  for (const discovery::ProfilePair& pair : profile.pairs)
    out.push_back({{"from", pair.from},
                   {"to", pair.to},
                   {"n", pair.n},
                   {"mean_s", pair.mean_s},
                   {"sd_s", optional_json(pair.sd_s)}});
  return out;
}

Json deviations_json(const EventLog& log, const discovery::TemporalProfile& profile,
                     const discovery::ProfileCheck& check) {
  Json out = Json::array();
  for (const discovery::TimeDeviation& one : check.deviations) {
    const analytics::Trace& trace = log.traces[one.trace];
    const discovery::ProfilePair& pair = profile.pairs[one.pair];
    out.push_back({{"case_id", trace.case_key},
                   {"from", pair.from},
                   {"to", pair.to},
                   {"from_index", one.from_event},
                   {"to_index", one.to_event},
                   {"t0_s", seconds_of(trace.events[one.from_event].t1_ns)},
                   {"t1_s", seconds_of(trace.events[one.to_event].t0_ns)},
                   {"took_s", one.took_s},
                   {"mean_s", pair.mean_s},
                   {"sd_s", optional_json(pair.sd_s)},
                   {"z", optional_json(one.z)},
                   {"within_clocks", one.within_clocks}});
  }
  return out;
}

std::string pairs_text(const discovery::TemporalProfile& profile, size_t rows) {
  std::string out = fmt::format("{:>8} {:>14} {:>14}   {}\n", "times", "mean", "sd", "from ... to");
  auto line = std::back_inserter(out);
  for (size_t i = 0; i < rows; ++i) {
    const discovery::ProfilePair& pair = profile.pairs[i];
    fmt::format_to(line, "{:>8} {:>14} {:>14}   {} ... {}\n", pair.n, span_text(pair.mean_s),
                   pair.sd_s ? span_text(*pair.sd_s) : "seen once", pair.from, pair.to);
  }
  if (rows < profile.pairs.size())
    fmt::format_to(line, "{} more pairs; --top or --json shows them\n",
                   profile.pairs.size() - rows);
  return out;
}

std::string deviations_text(const EventLog& log, const discovery::TemporalProfile& profile,
                            const discovery::ProfileCheck& check, double zeta, size_t rows) {
  std::string out = fmt::format(
      "\n{} of {} times, in {} of {} cases, lie more than {:g} standard deviations from the "
      "mean.\n",
      check.deviations.size(), check.times, check.deviating_cases, check.cases, zeta);
  auto line = std::back_inserter(out);
  if (check.not_judged > 0)
    fmt::format_to(line,
                   "{} times were not judged: their pair is not in the profile, or only once.\n",
                   check.not_judged);
  for (size_t i = 0; i < rows; ++i) {
    const discovery::TimeDeviation& one = check.deviations[i];
    const discovery::ProfilePair& pair = profile.pairs[one.pair];
    fmt::format_to(line, "  {}: {} ... {} took {}, usually {} (sd {}){}\n",
                   log.traces[one.trace].case_key, pair.from, pair.to, span_text(one.took_s),
                   span_text(pair.mean_s), span_text(pair.sd_s.value_or(0)),
                   one.within_clocks ? "; the clocks cannot tell it from the limit" : "");
  }
  if (rows < check.deviations.size())
    fmt::format_to(line, "  {} more; --top or --json shows them\n", check.deviations.size() - rows);
  return out;
}

std::vector<analytics::finding::Draft> drafts(const discovery::TemporalProfile& profile) {
  std::vector<analytics::finding::Draft> out;
  for (const discovery::ProfilePair& pair : profile.pairs) {
    analytics::finding::Draft& draft = out.emplace_back();
    draft.kind = "cohort-time-between";
    draft.place = "pair/" + pair.from + "/" + pair.to;
    draft.step = pair.from;
    draft.labels = {{"from", pair.from}, {"to", pair.to}};
    draft.values = {{"n", static_cast<double>(pair.n)}, {"mean_s", pair.mean_s}};
    if (pair.sd_s) draft.values["sd_s"] = *pair.sd_s;
    draft.text = fmt::format("From {} to {}: mean {} over {} times.", pair.from, pair.to,
                             span_text(pair.mean_s), pair.n);
  }
  return out;
}

Result<discovery::PairRule> rule_of(const Args& args) {
  const std::string text = args.text("--pairs");
  if (text == "next") return discovery::PairRule::kNext;
  if (text == "all") return discovery::PairRule::kAll;
  return Error{Code::kInvalidArgument, "--pairs " + text + ": is next or all"};
}

Result<CohortResult> run_profile(const Args& args, const Cohort& cohort) {
  CASEBOX_TRY(const discovery::PairRule rule, rule_of(args));
  const double zeta = args.number("--zeta");
  if (!(zeta > 0 && zeta <= 1000))
    return Error{Code::kInvalidArgument, "--zeta: must lie above 0 and be at most 1000"};
  CASEBOX_TRY(const auto reference, reference_of(args));
  const Readable readable(cohort);
  const EventLog& log = readable.log();
  const auto profile = reference
                           ? discovery::temporal_profile(reference->log, rule, reference->withheld)
                           : discovery::temporal_profile(log, rule, readable.withheld());
  const auto check = discovery::check_times(log, profile, zeta, readable.withheld());

  CohortResult out;
  out.json["pairs_rule"] = args.text("--pairs");
  out.json["zeta"] = zeta;
  out.json["reference"] = reference ? Json(args.text("--reference")) : Json(nullptr);
  out.json["profile_cases"] = profile.cases;
  out.json["profile_times"] = profile.times;
  out.json["pairs"] = pairs_json(profile);
  out.json["timed_cases"] = check.cases;
  out.json["times"] = check.times;
  out.json["not_judged"] = check.not_judged;
  out.json["deviating_cases"] = check.deviating_cases;
  out.json["deviations"] = deviations_json(log, profile, check);
  out.json["excluded"] = excluded_json(readable.unread(), check.excluded);
  out.text = fmt::format("{} times in {} cases between {} pairs of steps ({}).\n\n", profile.times,
                         profile.cases, profile.pairs.size(),
                         rule == discovery::PairRule::kNext
                             ? "from each step to the next occurrence of every later one"
                             : "from each step to every later one") +
             pairs_text(profile, rows_shown(args, profile.pairs.size())) +
             deviations_text(log, profile, check, zeta, rows_shown(args, check.deviations.size())) +
             excluded_text(readable.unread(), check.excluded, rows_shown(args, SIZE_MAX));
  out.findings = drafts(profile);
  return out;
}

}  // namespace

const CohortAnalysis& profile_analysis() {
  static const CohortAnalysis kAnalysis{
      "profile",
      "usual times between steps, and times unlike them",
      {{"--pairs", ArgKind::kText,
        "profile: from each step to the next occurrence of every later one, or to all: next, all",
        "next"},
       {"--zeta", ArgKind::kNumber, "profile: how many standard deviations are unlike", "2"},
       reference_arg(),
       top_arg()},
      run_profile,
      {"--top", "--zeta"}};
  return kAnalysis;
}

}  // namespace casebox::tools
