#include "tools/analyses/chart_finding.h"

#include <fmt/format.h>

#include <algorithm>

namespace casebox::tools {

namespace spc = analytics::spc;

analytics::finding::Draft chart_finding(const spc::Chart& chart, const spc::Measure& measure) {
  analytics::finding::Draft out;
  out.kind = "control-chart";
  out.place = "chart/" + chart.kind + "/" + measure.text();
  out.step = measure.name;
  out.labels = {{"chart", chart.kind}, {"measure", measure.text()}};
  out.values = {{"points", static_cast<double>(chart.points.size())},
                {"signals", static_cast<double>(chart.signal_count())}};
  if (chart.centre) out.values["centre"] = *chart.centre;
  if (chart.false_alarms.average_run_length)
    out.values["average_run_length"] = *chart.false_alarms.average_run_length;
  out.text = chart.reasons.empty()
                 ? fmt::format("{} chart of {}: {} of {} points signal.", chart.kind,
                               measure.text(), chart.signal_count(), chart.points.size())
                 : fmt::format("{} chart of {}: no limits, {}.", chart.kind, measure.text(),
                               chart.reasons.front());
  return out;
}

analytics::finding::Draft chart_finding(const spc::Funnel& funnel, const spc::Measure& measure) {
  analytics::finding::Draft out;
  out.kind = "control-chart";
  out.place = "chart/funnel/" + measure.text();
  out.step = measure.name;
  out.labels = {{"chart", "funnel"}, {"measure", measure.text()}};
  const auto outside = std::ranges::count_if(
      funnel.groups, [](const spc::FunnelGroup& one) { return one.outside == "99.8"; });
  out.values = {{"groups", static_cast<double>(funnel.groups.size())},
                {"outside_998", static_cast<double>(outside)}};
  if (funnel.target) out.values["target"] = *funnel.target;
  out.text = fmt::format("Funnel plot of {}: {} of {} groups outside 99.8 % limits.",
                         measure.text(), outside, funnel.groups.size());
  if (!funnel.reasons.empty())
    out.text =
        fmt::format("Funnel plot of {}: no limits, {}.", measure.text(), funnel.reasons.front());
  return out;
}

}  // namespace casebox::tools
