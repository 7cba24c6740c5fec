#include "tools/report/charts_svg.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "tools/cli/names.h"
#include "tools/report/timeline_svg.h"

namespace casebox::tools::report {
namespace {

constexpr double kWidth = 1000, kHeight = 280;
constexpr double kLeft = 90, kRight = 20, kTop = 12, kBottom = 44;

/// Where values lie in the picture; y grows upwards.
struct Plane {
  double x0, x1, y0, y1;
  double height = kHeight;

  double x(double v) const { return kLeft + (v - x0) / (x1 - x0) * (kWidth - kLeft - kRight); }
  double y(double v) const {
    return height - kBottom - (v - y0) / (y1 - y0) * (height - kTop - kBottom);
  }
};

/// A round step (1, 2, 5 times a power of ten) that fits about `room` ticks.
double round_step(double span, double room) {
  const double raw = span / room, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double times : {1., 2., 5.})
    if (times * power >= raw) return times * power;
  return 10 * power;
}

std::string at(double v) { return coordinate(v); }

Html line(const char* style, double x0, double y0, double x1, double y1) {
  return tag("line",
             {{"class", style}, {"x1", at(x0)}, {"y1", at(y0)}, {"x2", at(x1)}, {"y2", at(y1)}},
             {});
}

Html label(double x, double y, const char* anchor, const std::string& text) {
  return tag("text", {{"class", "tick"}, {"x", at(x)}, {"y", at(y)}, {"text-anchor", anchor}},
             {text});
}

void draw_y(const Plane& plane, double step, const Axis& axis, Children& out) {
  for (double v = std::ceil(plane.y0 / step) * step; v <= plane.y1 + step / 1e6; v += step) {
    out.push_back(line("grid", kLeft, plane.y(v), kWidth - kRight, plane.y(v)));
    out.push_back(label(kLeft - 6, plane.y(v) + 4, "end", axis.text(v)));
  }
  const double middle = (kTop + plane.height - kBottom) / 2;
  out.push_back(tag("text",
                    {{"class", "tick"},
                     {"text-anchor", "middle"},
                     {"transform", "translate(14 " + at(middle) + ") rotate(-90)"}},
                    {axis.name}));
}

void draw_x(const Plane& plane, double step, const Axis& axis, Children& out) {
  for (double v = std::ceil(plane.x0 / step) * step; v <= plane.x1 + step / 1e6; v += step) {
    out.push_back(
        line("grid", plane.x(v), plane.height - kBottom, plane.x(v), plane.height - kBottom + 4));
    out.push_back(label(plane.x(v), plane.height - kBottom + 17, "middle", axis.text(v)));
  }
  out.push_back(label((kLeft + kWidth - kRight) / 2, plane.height - 8, "middle", axis.name));
}

Html path(const char* style, const std::string& d) {
  return d.empty() ? Html() : tag("path", {{"class", style}, {"d", d}}, {});
}

/// A polyline through the points there are; a missing one breaks it.
class Course {
 public:
  void to(double x, double y) {
    d_ += (pen_down_ ? "L" : "M") + at(x) + " " + at(y);
    pen_down_ = true;
  }
  void lift() { pen_down_ = false; }
  const std::string& d() const { return d_; }

 private:
  std::string d_;
  bool pen_down_ = false;
};

/// A circle, or a square that stands on its corner.
Html dot(double x, double y, bool signal, const std::string& title) {
  if (!signal)
    return tag("circle", {{"class", "point"}, {"cx", at(x)}, {"cy", at(y)}, {"r", "4"}},
               {tag("title", {title})});
  return tag("path",
             {{"class", "point signal"},
              {"d", "M0-8 8 0 0 8-8 0Z"},
              {"transform", "translate(" + at(x) + " " + at(y) + ")"}},
             {tag("title", {title})});
}

Html svg(double height, const std::string& says, const Children& parts) {
  return tag(
      "svg",
      {{"viewBox", "0 0 " + at(kWidth) + " " + at(height)}, {"role", "img"}, {"aria-label", says}},
      parts);
}

/// Some room above and below.
void widen(double& low, double& high) {
  const double by = high > low ? (high - low) * .08 : std::max(1., std::abs(high)) * .1;
  low -= by;
  high += by;
}

std::string whole(double v) { return fixed(v, 0); }
std::string percent(double v) { return fixed(100 * v, 0) + " %"; }

}  // namespace

Html control_svg(const analytics::spc::Chart& chart, const std::string& points_are, const Axis& y) {
  if (chart.points.empty()) return {};
  double low = chart.points[0].value, high = low;
  const auto reach = [&](const std::optional<double>& v) {
    if (!v) return;
    low = std::min(low, *v);
    high = std::max(high, *v);
  };
  for (const auto& point : chart.points)
    for (const auto& v : {std::optional(point.value), point.lower, point.upper}) reach(v);
  const bool from_zero = low >= 0;
  widen(low, high);
  if (from_zero) low = std::max(0., low);
  const auto n = static_cast<double>(chart.points.size());
  const Plane plane{.5, n + .5, low, high};
  Children out;
  draw_y(plane, tick_step(high - low, 6), y, out);
  draw_x(plane, std::max(1., round_step(n, 12)), {points_are, whole}, out);
  Course course, centre, lower, upper;
  const auto step = [&](Course& into, double i, const std::optional<double>& v) {
    if (!v) return into.lift();
    into.to(plane.x(i - .5), plane.y(*v));
    into.to(plane.x(i + .5), plane.y(*v));
  };
  Children dots;
  for (size_t k = 0; k < chart.points.size(); ++k) {
    const auto& point = chart.points[k];
    const auto i = static_cast<double>(k + 1);
    step(centre, i, point.centre);
    step(lower, i, point.lower);
    step(upper, i, point.upper);
    course.to(plane.x(i), plane.y(point.value));
    dots.push_back(
        dot(plane.x(i), plane.y(point.value), !point.signals.empty(),
            whole(i) + ": " + y.text(point.value) + (point.signals.empty() ? "" : ", a signal")));
  }
  for (const auto& [style, line_of] : {std::pair{"centre", &centre}, std::pair{"limit", &lower},
                                       std::pair{"limit", &upper}, std::pair{"course", &course}})
    out.push_back(path(style, line_of->d()));
  out.insert(out.end(), dots.begin(), dots.end());
  return svg(kHeight,
             y.name + " by " + points_are + ", oldest first" +
                 (chart.centre ? ", with centre line and limits" : ", without limits"),
             out);
}

Html funnel_svg(const analytics::spc::Funnel& funnel, const std::string& x, const std::string& y) {
  if (funnel.groups.empty()) return {};
  auto groups = funnel.groups;
  std::ranges::stable_sort(groups, {}, [](const auto& g) { return g.group.size; });
  double low = groups[0].value, high = low;
  for (const auto& g : groups)
    for (const double v : {g.value, g.low998, g.high998}) {
      low = std::min(low, v);
      high = std::max(high, v);
    }
  widen(low, high);
  const double most = groups.back().group.size * 1.1;
  const Plane plane{0, most, std::max(0., low), std::min(1.02, high)};
  Children out;
  draw_y(plane, round_step(plane.y1 - plane.y0, 6), {y, percent}, out);
  draw_x(plane, std::max(1., round_step(most, 10)), {x, whole}, out);
  if (funnel.target)
    out.push_back(line("centre", plane.x(0), plane.y(*funnel.target), plane.x(most),
                       plane.y(*funnel.target)));
  Course lines[4];
  for (const auto& g : groups) {
    const double limits[] = {g.low998, g.high998, g.low95, g.high95};
    for (size_t k = 0; k < 4; ++k) lines[k].to(plane.x(g.group.size), plane.y(limits[k]));
  }
  for (size_t k = 0; k < 4; ++k) out.push_back(path(k < 2 ? "limit" : "limit inner", lines[k].d()));
  for (const auto& g : groups) {
    const double at_x = plane.x(g.group.size), at_y = plane.y(g.value);
    out.push_back(dot(at_x, at_y, !g.outside.empty(),
                      g.group.name + ": " + percent(g.value) + " of " + whole(g.group.size)));
    out.push_back(label(at_x + 8, at_y - 6, "start", g.group.name));
  }
  return svg(kHeight, y + " by " + x + ", with 95 and 99.8 % limits", out);
}

Html ranges_svg(const std::vector<Ranged>& rows, const Axis& x) {
  if (rows.empty()) return {};
  constexpr double kLane = 30;
  double most = 1;
  for (const Ranged& row : rows) most = std::max({most, row.high, row.value});
  const double height = kTop + kLane * static_cast<double>(rows.size()) + kBottom;
  const Plane plane{0, most * 1.05, 0, 1, height};
  Children out;
  draw_x(plane, round_step(most, 8), x, out);
  double y = kTop + kLane / 2;
  for (const Ranged& row : rows) {
    out.push_back(label(kLeft - 6, y + 4, "end", row.name));
    out.push_back(line("course", plane.x(row.low), y, plane.x(row.high), y));
    out.push_back(dot(plane.x(row.value), y, false,
                      row.name + ": " + x.text(row.value) + " (" + x.text(row.low) + " to " +
                          x.text(row.high) + ")"));
    y += kLane;
  }
  return svg(height, x.name + ", each with its interval", out);
}

}  // namespace casebox::tools::report
