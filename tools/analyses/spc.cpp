// analyze spc: control charts of a measure over the cases in time order.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analytics/spc/attributes.h"
#include "analytics/spc/cusum.h"
#include "analytics/spc/funnel.h"
#include "analytics/spc/individuals.h"
#include "analytics/spc/rare_events.h"
#include "analytics/timing/robust.h"
#include "tools/analyses/analyses.h"
#include "tools/analyses/case_table.h"
#include "tools/analyses/chart_document.h"
#include "tools/analyses/chart_finding.h"
#include "tools/analyses/departure_counts.h"
#include "tools/analyses/series.h"
#include "tools/cli/names.h"
#include "tools/documents/suppression.h"

namespace casebox::tools {
namespace {

namespace spc = analytics::spc;
using Kind = spc::MeasureKind;

constexpr double kDayNs = 86'400e9;
constexpr const char* kPerCase =
    "its points are single cases: for those who may open these cases, not to be passed on";
constexpr const char* kUnderMinimum = "under 11 cases; --small-groups shows it";
constexpr const char* kUnordered =
    "the cases carry no dates, so their order in time is not known (of a log, --file-order takes "
    "that of the file)";

/// A chart, and what its points are made of.
struct Charted {
  spc::Chart chart;
  std::vector<PointOrigin> origins;
  std::string unit;      // behind values, for people
  bool per_case = true;  // a point is made of one case, or of the cases between two
};

/// A group of a store's cases that is not shown, as it is under kMinimumGroup.
struct Withheld {
  std::string what, reason;
};

/// Over a store small groups are shown only when they are asked for (docs/adr/068). A log is a file
/// of its reader's.
bool hides_small_groups(const Args& args, const Cohort& cohort) {
  return cohort.from_store() && !args.flag("--small-groups");
}

Error usage_error(std::string what) { return {Code::kInvalidArgument, std::move(what)}; }

PointOrigin origin(const SeriesCase& first, const SeriesCase& last) {
  return {first.key, last.key,
          first.wall_start_ns ? rfc3339(UtcTime{*first.wall_start_ns}) : std::string()};
}

std::vector<PointOrigin> one_each(const std::vector<SeriesCase>& cases) {
  std::vector<PointOrigin> out;
  for (const SeriesCase& one : cases) out.push_back(origin(one, one));
  return out;
}

Result<size_t> whole(const Args& args, const char* name, int64_t least) {
  const int64_t value = args.integer(name);
  if (value < least)
    return usage_error(fmt::format("{} {} is too small; give at least {}", name, value, least));
  return static_cast<size_t>(value);
}

Result<spc::Rules> rules_of(const std::string& name) {
  if (name == "western-electric") return spc::western_electric_rules();
  if (name == "nelson") return spc::nelson_rules();
  if (name == "shewhart") return spc::shewhart_rules();
  return usage_error("--rules: '" + name +
                     "' is unknown; write western-electric, nelson or shewhart");
}

std::vector<double> values_of(const Series& series) {
  std::vector<double> out;
  for (const SeriesCase& one : series.cases) out.push_back(one.value);
  return out;
}

/// Cases a point; none where points of so few may not be shown: then `instead` says so.
Result<std::optional<size_t>> cases_a_point(const Args& args, const Cohort& cohort,
                                            const std::string& kind, size_t otherwise,
                                            std::vector<Withheld>& withheld, Charted& instead) {
  size_t group = otherwise;
  if (args.has("--subgroup")) {
    CASEBOX_TRY(group, whole(args, "--subgroup", 1));
  }
  if (group == 1 || group >= kMinimumGroup || !hides_small_groups(args, cohort))
    return std::optional(group);
  withheld.push_back({fmt::format("all points, of {} cases each", group), kUnderMinimum});
  instead.chart.kind = kind;
  instead.chart.reasons.push_back(fmt::format(
      "points of {} cases are withheld; give --subgroup {} or more, 1 for a point a case, or "
      "--small-groups",
      group, kMinimumGroup));
  instead.per_case = false;
  return std::optional<size_t>();
}

std::vector<bool> events_of(const std::vector<SeriesCase>& cases) {
  std::vector<bool> out;
  for (const SeriesCase& one : cases) out.push_back(one.value > 0);
  return out;
}

std::string unit_of(const spc::Measure& measure) { return measure.of_time() ? " s" : ""; }

/// Times are skewed to the right, and on their own scale the chart signals more often than it says.
bool log_scale(const Args& args, const spc::Measure& measure) {
  return args.flag("--log-scale") || (measure.of_time() && !args.flag("--linear-scale"));
}

/// With --subgroup a point is the median of so many cases that follow one another.
Result<std::vector<Charted>> individuals(const Args& args, const Cohort& cohort, Series& series,
                                         const spc::Measure& measure,
                                         std::vector<Withheld>& withheld) {
  CASEBOX_TRY(const size_t baseline, whole(args, "--baseline", 0));
  CASEBOX_TRY(spc::Rules rules, rules_of(args.text("--rules")));
  Charted instead;
  CASEBOX_TRY(const auto group, cases_a_point(args, cohort, "xmr", 1, withheld, instead));
  if (!group) return std::vector<Charted>{std::move(instead)};
  fill_groups(*group, series);
  const std::vector<double> values = values_of(series);
  std::vector<PointOrigin> origins, later;
  for (size_t i = 0; i < values.size(); i += *group)
    origins.push_back(origin(series.cases[i], series.cases[i + *group - 1]));
  later = origins;
  if (!later.empty()) later.erase(later.begin());
  const bool logs = log_scale(args, measure), per_case = *group == 1;
  spc::Xmr chart = spc::xmr(analytics::timing::medians_of(values, *group), {baseline, rules, logs});
  const std::string unit = unit_of(measure);
  return std::vector<Charted>{
      {std::move(chart.individuals), std::move(origins), unit, per_case},
      {std::move(chart.moving_range), std::move(later), logs ? "" : unit, per_case}};
}

Result<std::vector<Charted>> averages(const Args& args, const Series& series,
                                      const spc::Measure& measure) {
  spc::EwmaOptions options;
  CASEBOX_TRY(options.baseline, whole(args, "--baseline", 0));
  options.lambda = args.number("--lambda");
  options.width = args.number("--width");
  options.log_scale = log_scale(args, measure);
  if (!(options.lambda > 0 && options.lambda <= 1) || !(options.width > 0))
    return usage_error(
        "--lambda or --width is out of range; give a lambda above 0 up to 1, a width above 0");
  return std::vector<Charted>{
      {spc::ewma(values_of(series), options), one_each(series.cases), unit_of(measure)}};
}

/// p, u and c: so many cases a point, the oldest that fill none left out.
Result<std::vector<Charted>> counts(const Args& args, const Cohort& cohort, Series& series,
                                    const std::string& kind, std::vector<Withheld>& withheld) {
  CASEBOX_TRY(const size_t baseline, whole(args, "--baseline", 0));
  Charted instead;
  CASEBOX_TRY(const auto wanted, cases_a_point(args, cohort, kind, kind == "p" ? kMinimumGroup : 1,
                                               withheld, instead));
  if (!wanted) return std::vector<Charted>{std::move(instead)};
  const size_t group = *wanted;
  fill_groups(group, series);
  Charted out;
  out.per_case = group == 1;
  std::vector<spc::Share> shares;
  std::vector<spc::Rate> rates;
  std::vector<unsigned> plain;
  for (size_t i = 0; i < series.cases.size(); i += group) {
    unsigned events = 0;
    double hours = 0;
    for (size_t k = i; k < i + group; ++k) {
      events += static_cast<unsigned>(series.cases[k].value);
      hours += series.cases[k].duration_s / 3600;
    }
    if (kind == "u" && !(hours > 0)) {
      series.left_out.push_back({series.cases[i].key, "no usable duration to count events over"});
      continue;
    }
    shares.push_back({events, static_cast<unsigned>(group)});
    rates.push_back({events, hours});
    plain.push_back(events);
    out.origins.push_back(origin(series.cases[i], series.cases[i + group - 1]));
  }
  if (kind == "p") out.chart = spc::p_chart(shares, {baseline});
  if (kind == "u") out.chart = spc::u_chart(rates, {baseline});
  if (kind == "c") out.chart = spc::c_chart(plain, {baseline});
  return std::vector<Charted>{std::move(out)};
}

Result<std::vector<Charted>> gaps(const Args& args, const Series& series, const std::string& kind) {
  CASEBOX_TRY(const size_t baseline, whole(args, "--baseline", 0));
  Charted out;
  std::vector<const SeriesCase*> with;
  for (const SeriesCase& one : series.cases)
    if (one.value > 0) with.push_back(&one);
  for (size_t i = 1; i < with.size(); ++i) out.origins.push_back(origin(*with[i - 1], *with[i]));
  if (kind == "g") {
    out.chart = spc::g_chart(spc::gaps_between(events_of(series.cases)), {baseline});
    return std::vector<Charted>{std::move(out)};
  }
  if (!series.dated) {
    out.chart.kind = "t";
    out.chart.reasons.push_back("these files carry no dates: time between events is not known");
    out.origins.clear();
    return std::vector<Charted>{std::move(out)};
  }
  std::vector<double> days;
  for (size_t i = 1; i < with.size(); ++i)
    days.push_back(static_cast<double>(*with[i]->wall_start_ns - *with[i - 1]->wall_start_ns) /
                   kDayNs);
  out.chart = spc::t_chart(days, {baseline});
  out.unit = " days";
  return std::vector<Charted>{std::move(out)};
}

/// Each case's risk: from a file, one for all, or the baseline's rate. Cases without one leave the
/// series, as do those of the baseline. A reason: there is none.
Result<std::string> give_risks(const Args& args, Series& series, std::vector<double>& risks) {
  if (args.has("--risks")) {
    CASEBOX_TRY(const auto table, read_case_numbers(args.text("--risks"), 0, 1));
    std::vector<SeriesCase> kept;
    for (const SeriesCase& one : series.cases) {
      const auto found = table.find(one.key);
      if (found == table.end()) {
        series.left_out.push_back({one.key, "no risk in the file of --risks"});
        continue;
      }
      kept.push_back(one);
      risks.push_back(found->second);
    }
    series.cases = std::move(kept);
    return std::string();
  }
  if (args.has("--risk")) {
    risks.assign(series.cases.size(), args.number("--risk"));
    return std::string();
  }
  CASEBOX_TRY(const size_t baseline, whole(args, "--baseline", 0));
  if (baseline == 0)
    return usage_error("--chart racusum needs risks; give --risks FILE, --risk P, or --baseline N");
  if (series.cases.size() <= baseline || baseline < spc::kMinimumPoints)
    return fmt::format("{} cases and a baseline of {}; it needs at least {}, and cases after it",
                       series.cases.size(), baseline, spc::kMinimumPoints);
  const auto end = series.cases.begin() + static_cast<std::ptrdiff_t>(baseline);
  const auto events = static_cast<double>(std::count_if(
      series.cases.begin(), end, [](const SeriesCase& one) { return one.value > 0; }));
  series.cases.erase(series.cases.begin(), end);
  if (events == 0 || events == static_cast<double>(baseline))
    return std::string("the baseline's cases all have it or none has: no rate to compare with");
  risks.assign(series.cases.size(), events / static_cast<double>(baseline));
  return std::string();
}

Result<std::vector<Charted>> cusum(const Args& args, Series& series) {
  std::vector<double> risks;
  CASEBOX_TRY(const std::string reason, give_risks(args, series, risks));
  Charted out;
  if (!reason.empty()) {
    out.chart.kind = "racusum";
    out.chart.reasons.push_back(reason);
    return std::vector<Charted>{std::move(out)};
  }
  const std::vector<bool> events = events_of(series.cases);
  spc::CusumOptions options;
  options.odds_ratio = args.number("--odds-ratio");
  options.alpha = args.number("--alpha");
  if (args.has("--run-length"))
    options.run_length = args.number("--run-length");
  else if (events.size() > spc::kExactCases)
    return usage_error(
        fmt::format("{} cases: an exact limit is counted for at most {}; give --run-length "
                    "N, the mean number of cases to a false signal",
                    events.size(), spc::kExactCases));
  CASEBOX_TRY(out.chart, spc::ra_cusum(events, risks, options));
  if (!args.has("--risks"))
    out.chart.notices.push_back(
        args.has("--risk")
            ? "every case was given the same risk: harder cases count as worse results"
            : "the risk is the baseline's rate: its own uncertainty, and harder cases, are not in "
              "the limit");
  out.origins = one_each(series.cases);
  Charted display{spc::vlad(events, risks), out.origins, ""};
  return std::vector<Charted>{std::move(out), std::move(display)};
}

/// Which group each case belongs to: a room of the store, or the file of --groups.
Result<spc::Funnel> make_funnel(const Args& args, const Cohort& cohort, Series& series,
                                const spc::Measure& measure, std::vector<Withheld>& withheld) {
  std::map<std::string, std::string> table;
  if (args.has("--groups")) {
    CASEBOX_TRY(table, read_case_table(args.text("--groups")));
  } else if (!cohort.from_store()) {
    return usage_error("--chart funnel: the log names no rooms; give --groups FILE");
  }
  std::map<std::string, spc::Group> groups;
  for (const SeriesCase& one : series.cases) {
    std::string name;
    if (!args.has("--groups"))
      name = cohort.rooms[one.trace];
    else if (const auto found = table.find(one.key); found != table.end())
      name = found->second;
    if (name.empty()) {
      series.left_out.push_back({one.key, "its group is not known"});
      continue;
    }
    spc::Group& group = groups[name];
    group.name = name;
    group.events += static_cast<unsigned>(one.value);
    group.size += 1;
  }
  std::vector<spc::Group> list;
  // A small group is not in the pooled target either, or it could be computed from the rest.
  const bool hide = hides_small_groups(args, cohort);
  for (const auto& [name, group] : groups) {
    if (hide && !Suppression::enough(group.size))
      withheld.push_back({name, kUnderMinimum});
    else
      list.push_back(group);
  }
  spc::FunnelOptions options;
  const bool yes_or_no = measure.kind == Kind::kHas || measure.kind == Kind::kDeparted;
  options.of = yes_or_no ? spc::FunnelOf::kShares : spc::FunnelOf::kRates;
  const std::string dispersion = args.text("--dispersion");
  if (dispersion == "none")
    options.dispersion = spc::Dispersion::kNone;
  else if (dispersion == "additive")
    options.dispersion = spc::Dispersion::kAdditive;
  else if (dispersion != "multiplicative")
    return usage_error("--dispersion: '" + dispersion +
                       "' is unknown; write multiplicative, additive or none");
  if (args.has("--target")) options.target = args.number("--target");
  return spc::funnel(list, options);
}

Result<std::vector<Charted>> make_charts(const Args& args, const Cohort& cohort, Series& series,
                                         const spc::Measure& measure, const std::string& kind,
                                         std::vector<Withheld>& withheld) {
  if (kind == "xmr") return individuals(args, cohort, series, measure, withheld);
  if (kind == "ewma") return averages(args, series, measure);
  if (kind == "p" || kind == "u" || kind == "c")
    return counts(args, cohort, series, kind, withheld);
  if (kind == "racusum") return cusum(args, series);
  return gaps(args, series, kind);
}

/// A chart of yes/no needs has:, one of counts count:; funnels take both, charts of values
/// anything.
Result<void> check_fit(const spc::Measure& measure, const std::string& kind) {
  static const std::map<std::string, std::vector<Kind>> kFits = {
      {"xmr", {Kind::kDuration, Kind::kPhase, Kind::kCount, Kind::kDepartures}},
      {"ewma", {Kind::kDuration, Kind::kPhase, Kind::kCount, Kind::kDepartures}},
      {"p", {Kind::kHas, Kind::kDeparted}},
      {"g", {Kind::kHas, Kind::kDeparted}},
      {"t", {Kind::kHas, Kind::kDeparted}},
      {"racusum", {Kind::kHas, Kind::kDeparted}},
      {"u", {Kind::kCount, Kind::kDepartures}},
      {"c", {Kind::kCount, Kind::kDepartures}},
      {"funnel", {Kind::kHas, Kind::kCount, Kind::kDepartures, Kind::kDeparted}}};
  const auto found = kFits.find(kind);
  if (found == kFits.end())
    return usage_error("--chart: '" + kind +
                       "' is unknown; write xmr, p, u, c, g, t, ewma, funnel or racusum");
  if (std::ranges::find(found->second, measure.kind) == found->second.end())
    return usage_error("--chart " + kind + " does not chart " + measure.text() + "; " +
                       (found->second.front() == Kind::kHas ? "give --measure has:ACTIVITY"
                        : found->second.front() == Kind::kCount
                            ? "give --measure count:ACTIVITY"
                            : "give duration, phase: or count:"));
  return ok();
}

/// No departure from a time limit is claimed of a case whose times are withheld.
std::vector<std::string> departure_notices(const Cohort& cohort, const Series& series) {
  const auto untimed = std::ranges::count_if(
      series.cases, [&](const SeriesCase& one) { return !cohort.withheld[one.trace].empty(); });
  if (!cohort.from_store() || untimed == 0) return {};
  return {
      fmt::format("{} of these cases make no claim about times, so departures from time limits "
                  "are not among theirs",
                  untimed)};
}

Result<CohortResult> run_spc(const Args& args, const Cohort& cohort) {
  if (args.flag("--write") && (args.has("--groups") || args.has("--risks")))
    return usage_error(
        "--write: what a study keeps rests on its cases; leave out --groups and --risks");
  CASEBOX_TRY(const spc::Measure measure, spc::parse_measure(args.text("--measure")));
  const std::string kind = args.text("--chart");
  CASEBOX_CHECK(check_fit(measure, kind));
  CohortResult out;
  std::optional<DepartureCounts> departures;
  out.json["protocol"] = out.json["protocol_sha256"] = nullptr;
  if (measure.of_departures()) {
    CASEBOX_TRY(departures, departure_counts(args, cohort));
    out.frames = departures->frames;
    CASEBOX_CHECK(put_norm(departures->norm, out));
  }
  Series series = make_series(cohort, measure, departures ? &departures->values : nullptr);
  std::vector<std::string> notices;
  if (departures) notices = departure_notices(cohort, series);
  std::vector<Withheld> withheld;
  out.json["measure"] = measure.text();
  out.json["chart"] = kind;
  // A store without dates has its cases in the order of their ids, which is none.
  const bool as_in_file = args.flag("--file-order") && !cohort.from_store();
  const std::string order = series.dated ? "wall_time" : as_in_file ? "file" : "unknown";
  out.json["case_order"] = order;
  out.text += fmt::format("{} of {} cases{}.\n", measure.text(), series.cases.size(),
                          series.dated ? ", in the order of their dates"
                          : as_in_file ? ", in the order of the file"
                                       : "; their order in time is not known");
  if (kind == "funnel") {
    CASEBOX_TRY(spc::Funnel funnel, make_funnel(args, cohort, series, measure, withheld));
    funnel.notices.insert(funnel.notices.end(), notices.begin(), notices.end());
    out.json["funnel"] = funnel_json(funnel);
    out.text += funnel_text(funnel);
    out.findings.push_back(chart_finding(funnel, measure));
  } else {
    CASEBOX_TRY(std::vector<Charted> charts,
                make_charts(args, cohort, series, measure, kind, withheld));
    if (order == "unknown")
      for (Charted& one : charts)
        if (!one.chart.points.empty()) spc::withhold(one.chart, kUnordered);
    out.json["charts"] = Json::array();
    for (Charted& one : charts) {
      one.chart.notices.insert(one.chart.notices.end(), notices.begin(), notices.end());
      if (cohort.from_store() && one.per_case) one.chart.notices.push_back(kPerCase);
      out.json["charts"].push_back(chart_json(one.chart, one.origins));
      out.json["charts"].back()["per_case"] = one.per_case;
      out.text += chart_text(one.chart, one.origins, one.unit);
      if (!one.chart.display_only) out.findings.push_back(chart_finding(one.chart, measure));
    }
  }
  out.json["withheld"] = Json::array();
  for (const Withheld& one : withheld) {
    out.json["withheld"].push_back({{"what", one.what}, {"reason", one.reason}});
    out.text += fmt::format("withheld: {}: {}\n", one.what, one.reason);
  }
  out.json["excluded"] = left_out_json(series.left_out);
  for (const LeftOut& one : series.left_out)
    out.text += fmt::format("left out: {}: {}\n", one.case_id, one.reason);
  out.text += "A signal is a question to ask of the record. It says neither why nor who.\n";
  return out;
}

}  // namespace

const CohortAnalysis& spc_analysis() {
  static const CohortAnalysis kAnalysis{
      "spc",
      "control charts of a measure over the cases in time, with their false-alarm rates",
      {{"--measure", ArgKind::kText,
        "spc: duration, phase:NAME, count:ACTIVITY, has:ACTIVITY, departures or departed",
        "duration"},
       {"--chart", ArgKind::kText, "spc: xmr, p, u, c, g, t, ewma, funnel or racusum", "xmr"},
       {"--baseline", ArgKind::kInteger, "spc: first so many points give the limits; 0: all", "0"},
       {"--subgroup", ArgKind::kInteger,
        "spc: cases a point (xmr: their median); p: 11, others: 1"},
       {"--rules", ArgKind::kText, "spc, xmr: western-electric, nelson or shewhart",
        "western-electric"},
       {"--log-scale", ArgKind::kFlag,
        "spc, xmr and ewma: chart logarithms; so are times unless --linear-scale is given"},
       {"--linear-scale", ArgKind::kFlag,
        "spc, xmr and ewma: chart times as they are, with more false alarms than stated"},
       {"--lambda", ArgKind::kNumber, "spc, ewma: weight of the newest value", "0.2"},
       {"--width", ArgKind::kNumber, "spc, ewma: limits in sigma", "2.962"},
       {"--risk", ArgKind::kNumber, "spc, racusum: every case's risk"},
       {"--risks", ArgKind::kText, "spc, racusum: CSV of case and risk"},
       {"--odds-ratio", ArgKind::kNumber, "spc, racusum: the change to look for", "2"},
       {"--alpha", ArgKind::kNumber, "spc, racusum: false alarm within the cases, exact", "0.05"},
       {"--run-length", ArgKind::kNumber, "spc, racusum: mean cases to a false alarm, instead"},
       {"--file-order", ArgKind::kFlag,
        "spc: of a log without dates, take the order of its cases for that of the operations"},
       {"--groups", ArgKind::kText,
        "spc, funnel: CSV of case and group (room, site, period; never a person); of a store: its "
        "rooms"},
       {"--small-groups", ArgKind::kFlag,
        "spc: of a store, show groups under 11 cases too: content about few people"},
       {"--dispersion", ArgKind::kText, "spc, funnel: multiplicative, additive or none",
        "multiplicative"},
       {"--target", ArgKind::kNumber, "spc, funnel: the value to compare with; else pooled"}},
      run_spc};
  return kAnalysis;
}

}  // namespace casebox::tools
