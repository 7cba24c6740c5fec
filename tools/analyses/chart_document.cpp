#include "tools/analyses/chart_document.h"

#include <fmt/format.h>

#include <iterator>
#include <map>

#include "analytics/spc/run_rules.h"

namespace casebox::tools {
namespace {

namespace spc = analytics::spc;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string title(const std::string& kind) {
  static const std::map<std::string, std::string> kTitles = {
      {"xmr", "Individuals chart (XmR)"},
      {"moving-range", "Moving ranges: from each value to the next"},
      {"p", "Share of cases (p chart)"},
      {"u", "Events for each hour of operation (u chart)"},
      {"c", "Events in each case (c chart)"},
      {"g", "Cases between two events (g chart)"},
      {"t", "Days between two events (t chart)"},
      {"ewma", "Weighted moving average (EWMA)"},
      {"racusum", "Risk-adjusted CUSUM: evidence that the odds have changed"},
      {"vlad", "Expected minus observed, summed (VLAD)"}};
  const auto found = kTitles.find(kind);
  return found == kTitles.end() ? kind : found->second;
}

std::string limits(const spc::ChartPoint& point, const std::string& unit) {
  if (point.lower && point.upper)
    return fmt::format("limits {:.4g} to {:.4g}{}", *point.lower, *point.upper, unit);
  if (point.upper) return fmt::format("limit {:.4g}{}", *point.upper, unit);
  return "no limits";
}

bool same_limits(const spc::Chart& chart) {
  for (const spc::ChartPoint& point : chart.points)
    if (point.upper != chart.points.front().upper || point.lower != chart.points.front().lower)
      return false;
  return true;
}

void false_alarms_text(std::back_insert_iterator<std::string> line,
                       const spc::FalseAlarms& alarms) {
  if (alarms.average_run_length)
    fmt::format_to(line,
                   "  If nothing has changed it still signals, on average once in {:.0f} points",
                   *alarms.average_run_length);
  else if (alarms.per_point)
    fmt::format_to(line, "  If nothing has changed a point still signals with probability {:.2g}",
                   *alarms.per_point);
  else
    fmt::format_to(line, "  If nothing has changed it can still signal");
  if (alarms.within_these_points)
    fmt::format_to(line, "; somewhere in a chart this long with probability {:.0f} %",
                   100 * *alarms.within_these_points);
  fmt::format_to(line, ".\n  ({})\n", alarms.basis);
}

std::string origin_text(const PointOrigin& origin) {
  std::string out = origin.first_case;
  if (origin.last_case != origin.first_case) out += " to " + origin.last_case;
  if (!origin.start.empty()) out += ", " + origin.start.substr(0, 10);
  return out;
}

}  // namespace

Json chart_json(const spc::Chart& chart, const std::vector<PointOrigin>& origins) {
  Json out;
  out["kind"] = chart.kind;
  out["display_only"] = chart.display_only;
  out["baseline_points"] = chart.baseline;
  out["centre"] = number(chart.centre);
  out["sigma"] = number(chart.sigma);
  out["signals"] = chart.signal_count();
  out["false_alarms"] = {{"per_point", number(chart.false_alarms.per_point)},
                         {"average_run_length", number(chart.false_alarms.average_run_length)},
                         {"within_these_points", number(chart.false_alarms.within_these_points)},
                         {"basis", chart.false_alarms.basis}};
  out["reasons"] = chart.reasons;
  out["notices"] = chart.notices;
  out["points"] = Json::array();
  for (size_t i = 0; i < chart.points.size(); ++i) {
    const spc::ChartPoint& point = chart.points[i];
    out["points"].push_back(
        {{"first_case_id", origins[i].first_case},
         {"last_case_id", origins[i].last_case},
         {"start", origins[i].start.empty() ? Json(nullptr) : Json(origins[i].start)},
         {"value", point.value},
         {"size", point.size},
         {"centre", number(point.centre)},
         {"lower", number(point.lower)},
         {"upper", number(point.upper)},
         {"baseline", point.baseline},
         {"signals", point.signals}});
  }
  return out;
}

std::string chart_text(const spc::Chart& chart, const std::vector<PointOrigin>& origins,
                       const std::string& unit) {
  std::string out;
  auto line = std::back_inserter(out);
  fmt::format_to(line, "{}, {} points\n", title(chart.kind), chart.points.size());
  for (const std::string& reason : chart.reasons)
    fmt::format_to(line, "  No limits: {}.\n", reason);
  if (chart.display_only && !chart.points.empty())
    fmt::format_to(line,
                   "  It ends at {:.4g}. To look at only: a line like this wanders by itself.\n",
                   chart.points.back().value);
  if (chart.reasons.empty() && !chart.points.empty()) {
    fmt::format_to(line, "  ");
    if (chart.centre) fmt::format_to(line, "Centre {:.4g}{}; ", *chart.centre, unit);
    fmt::format_to(line, "{}",
                   same_limits(chart) ? limits(chart.points.front(), unit)
                                      : "limits of each point by its size");
    if (chart.baseline > 0)
      fmt::format_to(line, "; from {} {} points",
                     chart.baseline == chart.points.size() ? "all" : "the first", chart.baseline);
    fmt::format_to(line, ".\n  {} of {} points signal.\n", chart.signal_count(),
                   chart.points.size());
    for (size_t i = 0; i < chart.points.size(); ++i) {
      if (chart.points[i].signals.empty()) continue;
      fmt::format_to(line, "    {:.4g}{}  {}:", chart.points[i].value, unit,
                     origin_text(origins[i]));
      const char* between = " ";
      for (const std::string& signal : chart.points[i].signals) {
        fmt::format_to(line, "{}{} ({})", between, spc::signal_words(signal), signal);
        between = "; ";
      }
      fmt::format_to(line, "\n");
    }
    false_alarms_text(line, chart.false_alarms);
  }
  for (const std::string& notice : chart.notices) fmt::format_to(line, "  Note: {}.\n", notice);
  return out;
}

Json funnel_json(const spc::Funnel& funnel) {
  Json out;
  out["target"] = number(funnel.target);
  out["phi"] = number(funnel.phi);
  out["tau"] = number(funnel.tau);
  out["widened"] = to_string(funnel.applied);
  out["expected_outside_95"] = funnel.expected_outside_95;
  out["expected_outside_998"] = funnel.expected_outside_998;
  out["reasons"] = funnel.reasons;
  out["notices"] = funnel.notices;
  out["groups"] = Json::array();
  const bool limited = funnel.reasons.empty();
  for (const spc::FunnelGroup& one : funnel.groups)
    out["groups"].push_back(
        {{"group", one.group.name},
         {"events", one.group.events},
         {"size", one.group.size},
         {"value", one.value},
         {"z", limited ? Json(one.z) : Json(nullptr)},
         {"limits95", limited ? Json::array({one.low95, one.high95}) : Json(nullptr)},
         {"limits998", limited ? Json::array({one.low998, one.high998}) : Json(nullptr)},
         {"outside", one.outside.empty() ? Json(nullptr) : Json(one.outside)}});
  return out;
}

std::string funnel_text(const spc::Funnel& funnel) {
  std::string out;
  auto line = std::back_inserter(out);
  fmt::format_to(line,
                 "Funnel plot, {} groups, in the order of their names and not of their values\n",
                 funnel.groups.size());
  for (const std::string& reason : funnel.reasons)
    fmt::format_to(line, "  No limits: {}.\n", reason);
  if (funnel.reasons.empty()) {
    fmt::format_to(
        line, "  Target {:.4g}; limits {}.\n", *funnel.target,
        funnel.applied == spc::Dispersion::kNone
            ? "of chance alone"
            : fmt::format("widened ({}), phi {:.3g}", to_string(funnel.applied), *funnel.phi));
    fmt::format_to(line, "  {:<20} {:>8} {:>9} {:>9}   {:<19} {:<19}\n", "group", "events", "size",
                   "value", "95 % limits", "99.8 % limits");
    for (const spc::FunnelGroup& one : funnel.groups)
      fmt::format_to(line, "  {:<20} {:>8} {:>9.4g} {:>9.4g}   {:<19} {:<19} {}\n", one.group.name,
                     one.group.events, one.group.size, one.value,
                     fmt::format("{:.4g} to {:.4g}", one.low95, one.high95),
                     fmt::format("{:.4g} to {:.4g}", one.low998, one.high998),
                     one.outside.empty() ? "" : "outside " + one.outside + " %");
    fmt::format_to(
        line,
        "  By chance alone about {:.2g} groups lie outside 95 % limits and {:.2g} outside "
        "99.8 %.\n",
        funnel.expected_outside_95, funnel.expected_outside_998);
  }
  for (const std::string& notice : funnel.notices) fmt::format_to(line, "  Note: {}.\n", notice);
  return out;
}

}  // namespace casebox::tools
