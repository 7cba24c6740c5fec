#include "tools/report/timeline_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"
#include "tools/cli/names.h"
#include "tools/report/gap_spans.h"
#include "tools/report/sections.h"

namespace casebox::tools::report {
namespace {

using analytics::facts::Moment;
using analytics::facts::MomentKind;
using analytics::finding::deviation_of;

constexpr double kTimelineWidth = 1000, kTimelineLeft = 130, kTimelineLane = 26, kTimelineAxis = 22;

struct Frame {
  double from = 0, to = 1;
  double x(double t) const {
    return kTimelineLeft +
           (std::clamp(t, from, to) - from) / (to - from) * (kTimelineWidth - kTimelineLeft - 8);
  }
};

Html title(const std::string& text) { return tag("title", {text}); }

Html bar(const Frame& frame, double y, double t0, double t1, const std::string& style,
         const std::string& label, const std::string& explained) {
  const double x0 = frame.x(t0), width = std::max(2.0, frame.x(t1) - x0);
  Children out = {tag("rect",
                      {{"class", style},
                       {"x", coordinate(x0)},
                       {"y", coordinate(y + 4)},
                       {"width", coordinate(width)},
                       {"height", coordinate(kTimelineLane - 9)}},
                      {title(explained)})};
  const size_t fits = static_cast<size_t>(std::max(0.0, (width - 6) / 6.3));
  if (fits > 3 && !label.empty()) {
    size_t cut = std::min(label.size(), fits - 1);
    while (cut > 0 && cut < label.size() && (label[cut] & 0xC0) == 0x80) --cut;  // whole UTF-8
    const std::string shown = label.size() > fits ? label.substr(0, cut) + "\xE2\x80\xA6" : label;
    out.push_back(tag("text", {{"x", coordinate(x0 + 4)}, {"y", coordinate(y + 17)}}, {shown}));
  }
  return join(out);
}

/// The 95 % bound of a boundary, as whiskers below the bar's edge.
Html bound(const Frame& frame, double y, const std::optional<query::Bound>& sides) {
  if (!sides || sides->high_s <= sides->low_s) return {};
  const double x0 = frame.x(sides->low_s), x1 = frame.x(sides->high_s);
  const double middle = y + kTimelineLane - 4;
  const std::string path = "M" + coordinate(x0) + " " + coordinate(middle - 3) + "v6M" +
                           coordinate(x0) + " " + coordinate(middle) + "H" + coordinate(x1) + "M" +
                           coordinate(x1) + " " + coordinate(middle - 3) + "v6";
  return tag("path", {{"class", "bound"}, {"d", path}}, {});
}

std::string shape(const std::string& certainty) {
  if (certainty == "certain") return "M0-7 7 0 0 7-7 0Z";
  if (certainty == "unobserved") return "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0";
  if (certainty == "justified") return "M-6-6H6V6H-6Z";
  return "M0-6.5 6.5 6-6.5 6Z";
}

Html lane_name(double y, const std::string& name) {
  return tag("text", {{"class", "lane"}, {"x", "4"}, {"y", coordinate(y + 17)}}, {name});
}

Html phases(const CaseView& view, const Frame& frame, double y) {
  Children out;
  const std::string style = view.phase_source == "found" ? "found" : "annotated";
  for (const query::PhaseFact& phase : view.phases) {
    if (phase.level != "phase" || !phase.placed) continue;
    const std::string text = words(phase.label) + ", " + clock_text(phase.t0_s) + " to " +
                             (phase.open ? "its end was not recorded" : clock_text(phase.t1_s));
    out.push_back(bar(frame, y, phase.t0_s, phase.t1_s, style, words(phase.label), text));
    out.push_back(bound(frame, y, phase.start));
  }
  return join(out);
}

Html departures(const CaseView& view, const Frame& frame, double y) {
  Children out;
  for (const v1::Finding& finding : view.findings) {
    if (finding.kind() != "departure" || !analytics::finding::placed(finding)) continue;
    const double t = seconds_of(finding.t0_ns());
    const std::string certainty = name_of(finding.certainty());
    out.push_back(tag("path",
                      {{"class", "dep " + certainty},
                       {"d", shape(certainty)},
                       {"transform", "translate(" + coordinate(frame.x(t)) + " " +
                                         coordinate(y + kTimelineLane / 2) + ")"}},
                      {title(words(deviation_of(finding)) + ": " + words(finding.step()) + ", " +
                             certainty + ", " + clock_text(t))}));
  }
  return join(out);
}

Html known_then(const CaseView& view, const Frame& frame, double y) {
  Children out;
  for (const Moment& moment : view.moments.all) {
    const bool shown = moment.kind == MomentKind::kShown;
    const bool alarm = moment.kind == MomentKind::kAlarm && moment.on.value_or(false);
    if ((!shown && !alarm) || !moment.placed) continue;
    const double t = seconds_of(moment.t_ns);
    out.push_back(bar(frame, y, t, t + seconds_of(moment.length_ns), "seen", "",
                      (shown ? "twin shown: " : "alarm: ") + moment.code + ", " + clock_text(t)));
  }
  return join(out);
}

Html gaps(const CaseView& view, const Frame& frame, double y) {
  const auto list = [](const std::set<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
  };
  Children out;
  for (const GapSpan& span : gap_spans(view.gaps))
    out.push_back(bar(frame, y, span.t0_s, span.t1_s, "gap", "",
                      list(span.streams) + ": " + list(span.reasons) + ", " +
                          clock_text(span.t0_s) + " to " + clock_text(span.t1_s)));
  return join(out);
}

Html axis(const Frame& frame, double height) {
  Children out;
  const double step = tick_step(frame.to - frame.from, 12);
  for (double t = std::ceil(frame.from / step) * step; t <= frame.to; t += step) {
    const std::string x = coordinate(frame.x(t));
    out.push_back(tag("line",
                      {{"class", "grid"},
                       {"x1", x},
                       {"x2", x},
                       {"y1", "0"},
                       {"y2", coordinate(height - kTimelineAxis + 4)}},
                      {}));
    out.push_back(tag("text",
                      {{"class", "tick"}, {"x", x}, {"y", coordinate(height - 5)}, {"dx", "2"}},
                      {axis_text(t)}));
  }
  return join(out);
}

}  // namespace

std::string coordinate(double value) { return fixed(value, 2); }

std::string axis_text(double seconds) {
  const int64_t whole = std::llround(std::abs(seconds));
  const std::string sign = seconds < 0 && whole > 0 ? "-" : "";
  return sign + (whole >= 3600
                     ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                     : fmt::format("{}:{:02}", whole / 60, whole % 60));
}

double tick_step(double span_s, double room) {
  for (double step : {1., 2., 5., 10., 15., 30., 60., 120., 300., 600., 900., 1800., 3600., 7200.})
    if (span_s / step <= room) return step;
  return std::max(14400., std::ceil(span_s / room / 86400) * 86400);
}

Html timeline_svg(const CaseView& view) {
  Frame frame{std::min(0.0, view.first_t_s), std::max(view.end_s, view.first_t_s + 1)};
  Children lanes;
  double y = 0;
  const auto lane = [&](const std::string& name, const Html& content, bool always) {
    if (content.empty() && !always) return;
    lanes.push_back(lane_name(y, name));
    lanes.push_back(content);
    y += kTimelineLane;
  };
  lane(view.phase_source.empty() ? "Phases" : "Phases " + view.phase_source, phases(view, frame, y),
       false);
  lane("Departures", departures(view, frame, y), true);
  lane("Known then", known_then(view, frame, y), false);
  lane("Not recorded", gaps(view, frame, y), true);
  const double height = y + kTimelineAxis;
  return tag("svg",
             {{"viewBox", "0 0 " + coordinate(kTimelineWidth) + " " + coordinate(height)},
              {"role", "img"},
              {"aria-label", "Time line of the case, in minutes and seconds of case time"}},
             {axis(frame, height), join(lanes)});
}

}  // namespace casebox::tools::report
