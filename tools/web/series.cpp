// Samples and forecasts for the plots.

#include <algorithm>
#include <cmath>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/documents/decimate.h"
#include "tools/web/api.h"
#include "tools/web/keys.h"

namespace casebox::tools::web {
namespace {

constexpr double kMaxBuckets = 4000;
constexpr double kManySamples = 200'000;  // in a window: then the overview answers, if it fits
constexpr size_t kMaxForecasts = 5000;
constexpr double kFarthest_s = 1e8;  // three years

struct Window {
  double from_s = 0, to_s = 0;
  size_t buckets = 800;
};

Result<Window> window_of(OpenCase& open, const Request& request) {
  const v1::CaseRecord& record = open.reader().record();
  Window window;
  CASEBOX_TRY(auto from, request.number("from"));
  CASEBOX_TRY(auto to, request.number("to"));
  CASEBOX_TRY(auto buckets, request.number("buckets"));
  window.from_s = from.value_or(seconds_of(record.first_t_ns()));
  window.to_s = to.value_or(seconds_of(record.last_t_ns()) + 1e-3);
  if (std::abs(window.from_s) > kFarthest_s || std::abs(window.to_s) > kFarthest_s)
    return Error{Code::kInvalidArgument,
                 "query: 'from' or 'to' is more than 100000000 s away; give seconds of case time"};
  if (!(window.to_s > window.from_s))
    return Error{Code::kInvalidArgument,
                 "query: 'to' is not after 'from'; give seconds of case time"};
  window.buckets = static_cast<size_t>(std::clamp(buckets.value_or(800), 1.0, kMaxBuckets));
  return window;
}

storage::Span span_of(const Window& window) {
  return {CaseTime{from_seconds(window.from_s).ns}, CaseTime{from_seconds(window.to_s).ns}};
}

Result<PlotSeries> read_series(OpenCase& open, const std::string& stream,
                               const std::string& channel, double rate_hz, const Window& window) {
  if (rate_hz * (window.to_s - window.from_s) > kManySamples) {
    CASEBOX_TRY(const Overview* overview, open.overview(stream, channel));
    if (overview->fits(window.from_s, window.to_s, window.buckets))
      return overview->series(window.from_s, window.to_s, window.buckets);
  }
  Decimator decimator(window.from_s, window.to_s, window.buckets);
  double last = NAN;
  CASEBOX_CHECK(open.reader().samples(
      stream, channel, span_of(window), [&](const storage::SampleRun& run) -> Result<void> {
        for (size_t i = 0; i < run.values.size(); ++i) {
          const double t = time_of(run, i);
          // A pause of more than 1.5 periods between frames is a hole, not a straight line.
          if (i == 0 && run.rate_hz > 0 && t - last > 1.5 / run.rate_hz)
            decimator.hole((t + last) / 2);
          decimator.add(t, run.values[i]);
          last = t;
        }
        return ok();
      }));
  return decimator.finish();
}

void put_series(Json& json, const PlotSeries& series) {
  json["raw"] = series.raw;
  json["samples"] = series.samples;
  json["t_s"] = series.t_s;
  json["min"] = series.min;  // NaN prints as null
  if (!series.raw) json["max"] = series.max;
}

double rate_of(const v1::Stream& stream, const v1::Channel& channel) {
  const v1::Rational& rate = stream.tick_rate_hz();
  if (rate.den() == 0) return 0;
  return static_cast<double>(rate.num()) / static_cast<double>(rate.den()) *
         std::max(1u, channel.samples_per_tick());
}

Response json_response(const Json& json) { return {200, "application/json", to_text(json), {}}; }

}  // namespace

Result<Response> samples_response(OpenCase& open, const Request& request) {
  const auto stream = stream_by_key(open.reader(), request.text("stream"));
  const v1::Channel* channel = stream ? channel_by_key(*stream, request.text("channel")) : nullptr;
  if (channel == nullptr)
    return Error{Code::kNotFound,
                 "query: the case has no such stream and channel; see its streams"};
  CASEBOX_TRY(auto window, window_of(open, request));
  CASEBOX_TRY(auto series, read_series(open, stream->name(), channel->name(),
                                       rate_of(*stream, *channel), window));
  Json json = document("api.samples");
  json["stream"] = stream->name();
  json["channel"] = channel->name();
  json["unit"] = channel->unit();
  json["from_s"] = window.from_s;
  json["to_s"] = window.to_s;
  put_series(json, series);
  return json_response(json);
}

Result<Response> twin_response(OpenCase& open, const Request& request) {
  const std::string variable = request.text("variable");
  const size_t slash = variable.rfind('/');
  if (slash == std::string::npos)
    return Error{Code::kInvalidArgument,
                 "query: 'variable' is not stream/channel; see the forecasts"};
  CASEBOX_TRY(auto window, window_of(open, request));
  CASEBOX_TRY(const CaseView* view, open.view());
  Json json = document("api.twin");
  json["variable"] = variable;
  json["unit"] = "";
  json["from_s"] = window.from_s;
  json["to_s"] = window.to_s;
  std::vector<const ForecastView*> wanted;
  for (const ForecastView& f : view->forecasts)
    if (f.variable == variable && f.valid_s >= window.from_s && f.valid_s < window.to_s)
      wanted.push_back(&f);
  const bool known = std::ranges::any_of(
      view->forecasts, [&](const ForecastView& f) { return f.variable == variable; });
  const std::string stream_name = variable.substr(0, slash);
  const std::string channel_name = variable.substr(slash + 1);
  const auto stream = open.reader().find_stream(stream_name);
  const v1::Channel* channel = stream ? channel_by_key(*stream, channel_name) : nullptr;
  if (!known && channel == nullptr)
    return Error{Code::kNotFound, "query: the case has no such variable; see its forecasts"};
  json["forecasts_total"] = wanted.size();
  json["forecasts"] = Json::array();
  // Late ones are few and always all there; the others are thinned evenly.
  const size_t every = wanted.size() / kMaxForecasts + 1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const ForecastView& f = *wanted[i];
    json["unit"] = f.unit;
    if (i % every != 0 && !f.late) continue;
    json["forecasts"].push_back({{"issued_s", f.issued_s},
                                 {"valid_s", f.valid_s},
                                 {"value", f.value},
                                 {"sd", f.sd},
                                 {"late", f.late}});
  }
  Json observed;
  if (channel != nullptr) {
    json["unit"] = channel->unit();
    CASEBOX_TRY(auto series,
                read_series(open, stream_name, channel_name, rate_of(*stream, *channel), window));
    put_series(observed, series);
  }
  json["observed"] = observed;
  return json_response(json);
}

}  // namespace casebox::tools::web
