#include "tools/report/twin_svg.h"

#include <algorithm>
#include <cmath>

#include "tools/cli/names.h"
#include "tools/report/timeline_svg.h"

namespace casebox::tools::report {
namespace {

constexpr double kTwinWidth = 1000, kTwinLeft = 70, kTop = 24, kHeight = 190, kBottom = 34;

struct Plot {
  double t0 = 0, t1 = 1, low = 0, high = 1;
  double x(double t) const {
    return kTwinLeft + (t - t0) / (t1 - t0) * (kTwinWidth - kTwinLeft - 8);
  }
  double y(double v) const { return kTop + (high - v) / (high - low) * (kHeight - kTop - kBottom); }
};

Plot plot_of(const TwinTrack& track, double from_s, double to_s) {
  Plot plot{from_s, std::max(to_s, from_s + 1), INFINITY, -INFINITY};
  const auto take = [&](double v) {
    if (!std::isfinite(v)) return;
    plot.low = std::min(plot.low, v);
    plot.high = std::max(plot.high, v);
  };
  for (const auto& [t, v] : track.observed) take(v);
  for (const ForecastView& f : track.timely) {
    take(f.value - 1.96 * f.sd);
    take(f.value + 1.96 * f.sd);
  }
  if (!(plot.high >= plot.low)) plot.low = 0, plot.high = 1;
  const double room = std::max((plot.high - plot.low) * 0.08, 1e-6 + std::abs(plot.high) * 1e-3);
  plot.low -= room;
  plot.high += room;
  return plot;
}

/// A round step (1, 2 or 5 times a power of ten) for about four values.
double value_step(double span) {
  const double raw = span / 4, power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

Html line(const char* style, double x0, double y0, double x1, double y1) {
  return tag("line",
             {{"class", style},
              {"x1", coordinate(x0)},
              {"y1", coordinate(y0)},
              {"x2", coordinate(x1)},
              {"y2", coordinate(y1)}},
             {});
}

Html label(double x, double y, const std::string& text, const char* anchor = "start") {
  return tag(
      "text",
      {{"class", "tick"}, {"x", coordinate(x)}, {"y", coordinate(y)}, {"text-anchor", anchor}},
      {text});
}

Html axes(const Plot& plot, const std::string& unit) {
  Children out;
  const double step = value_step(plot.high - plot.low);
  // Counted, not summed: a forecast may be of any size, and a step that it swallows ends no sum.
  const bool told = std::isfinite(step) && step > 0;
  const int decimals =
      told ? static_cast<int>(std::clamp(std::ceil(-std::log10(step) - 1e-9), 0., 6.)) : 0;
  const double least = std::ceil(plot.low / step);
  for (int i = 0; told && i < 12; ++i) {
    const double v = (least + i) * step;
    if (!(v <= plot.high)) break;
    out.push_back(line("grid", kTwinLeft, plot.y(v), kTwinWidth - 8, plot.y(v)));
    out.push_back(label(kTwinLeft - 6, plot.y(v) + 4, fixed(v, decimals), "end"));
  }
  const double tick = tick_step(plot.t1 - plot.t0, 12);
  for (double t = std::ceil(plot.t0 / tick) * tick; t <= plot.t1; t += tick) {
    out.push_back(line("grid", plot.x(t), kTop, plot.x(t), kHeight - kBottom + 4));
    out.push_back(label(plot.x(t) + 2, kHeight - kBottom + 16, axis_text(t)));
  }
  out.push_back(label(4, 12, unit.empty() || unit == "1" ? "no unit" : unit));
  out.push_back(label(kTwinWidth - 8, kHeight - 4, "case time, minutes:seconds", "end"));
  return join(out);
}

}  // namespace

Html twin_svg(const TwinTrack& track, double from_s, double to_s) {
  const Plot plot = plot_of(track, from_s, to_s);
  Children out = {axes(plot, track.unit)};
  std::string path;
  bool pen = false;
  for (const auto& [t, v] : track.observed) {
    if (!std::isfinite(v)) {
      pen = false;
      continue;
    }
    path += (pen ? "L" : "M") + coordinate(plot.x(t)) + " " + coordinate(plot.y(v));
    pen = true;
  }
  if (!path.empty()) out.push_back(tag("path", {{"class", "observed"}, {"d", path}}, {}));
  for (const ForecastView& f : track.timely) {
    if (f.sd > 0)
      out.push_back(line("band", plot.x(f.valid_s), plot.y(f.value - 1.96 * f.sd),
                         plot.x(f.valid_s), plot.y(f.value + 1.96 * f.sd)));
    out.push_back(tag("circle",
                      {{"class", "forecast"},
                       {"cx", coordinate(plot.x(f.valid_s))},
                       {"cy", coordinate(plot.y(f.value))},
                       {"r", "1.6"}},
                      {}));
  }
  for (const ForecastView& f : track.late) {
    const double x = plot.x(f.valid_s);
    out.push_back(tag(
        "path", {{"class", "late"}, {"d", "M" + coordinate(x - 3) + " 14l6 6m0-6l-6 6"}},
        {tag("title",
             {"issued too late: " + clock_text(f.issued_s) + " for " + clock_text(f.valid_s)})}));
  }
  return tag("svg",
             {{"viewBox", "0 0 " + coordinate(kTwinWidth) + " " + coordinate(kHeight)},
              {"role", "img"},
              {"aria-label", "Forecasts of " + track.variable + " against what was observed"}},
             {join(out)});
}

}  // namespace casebox::tools::report
