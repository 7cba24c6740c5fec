#include <cmath>

#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs::internal {
namespace {

struct Observed {
  std::map<std::string, twin::Series> series;
  std::map<std::string, std::vector<storage::SourceRef>> frames;
  std::map<std::string, std::string> withheld;  // variable -> why
};

Result<void> observe(Work& work, const std::string& variable, Observed& out) {
  const size_t slash = variable.rfind('/');
  if (slash == std::string::npos) return ok();
  const std::string stream_name = variable.substr(0, slash), channel = variable.substr(slash + 1);
  const auto stream = work.reader.find_stream(stream_name);
  if (!stream) return ok();
  for (const quality::Issue& issue : work.phases.quality.issues)
    if (issue.code == "clock-broken" && issue.what == std::to_string(stream->clock_id()))
      out.withheld[variable] = issue.text;
  if (out.withheld.contains(variable)) return ok();
  twin::Series series;
  for (const v1::Channel& c : stream->channels())
    if (c.name() == channel) series.unit = c.unit();
  auto& frames = out.frames[variable];
  auto read = work.reader.samples(
      stream_name, channel, {}, [&](const storage::SampleRun& run) -> Result<void> {
        if (run.u95_us == frame::kUnknownU95) return ok();
        frames.push_back(run.source);
        for (size_t i = 0; i < run.values.size(); ++i) {
          if ((!run.missing.empty() && run.missing[i]) || !std::isfinite(run.values[i])) continue;
          const CaseTime t = run.times.empty()
                                 ? run.t0 + from_seconds(static_cast<double>(i) / run.rate_hz)
                                 : run.times[i];
          // Frames meet with the jitter of their clock's estimate; the series must not go back.
          if (!series.t_ns.empty() && t.ns <= series.t_ns.back()) continue;
          series.t_ns.push_back(t.ns);
          series.values.push_back(run.values[i]);
        }
        return ok();
      });
  if (!read && read.error().code != Code::kNotFound) return read.error();
  out.series[variable] = std::move(series);
  return ok();
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

Result<void> twin_job(Work& work) {
  Run run(work, "twin", "1", "tolerance_s=2");
  CASEBOX_TRY(const auto events, work.reader.events(v1::STREAM_KIND_TWIN_EVENT));
  std::vector<v1::TwinForecast> forecasts;
  std::map<std::string, std::vector<storage::SourceRef>> said;
  std::vector<storage::SourceRef> late;
  Observed observed;
  for (const storage::EventAt& at : events) {
    if (!at.event.has_forecast()) continue;
    const v1::TwinForecast& forecast = at.event.forecast();
    forecasts.push_back(forecast);
    storage::SourceRef ref = at.source;
    ref.first = at.number;
    ref.count = 1;
    said[forecast.variable()].push_back(ref);
    if (forecast.t_issued_ns() > forecast.t_valid_ns()) late.push_back(ref);
    if (!observed.series.contains(forecast.variable()) &&
        !observed.withheld.contains(forecast.variable()))
      CASEBOX_CHECK(observe(work, forecast.variable(), observed));
  }
  if (forecasts.empty()) return run.skip("the case has no forecasts");
  const twin::Check check = twin::check_forecasts(forecasts, observed.series);
  for (const twin::Score& score : check.scores) {
    const auto withheld = observed.withheld.find(score.variable);
    finding::Draft draft;
    draft.kind = "twin";
    draft.place = score.variable + "/" + score.model + "/" + number(score.horizon_s);
    draft.t0_ns = score.first_valid_ns;
    draft.t1_ns = score.last_valid_ns;
    draft.labels = {{"variable", score.variable}, {"unit", score.unit}, {"model", score.model}};
    draft.values = {{"horizon_s", score.horizon_s},
                    {"forecasts", static_cast<double>(score.forecasts)},
                    {"scored", static_cast<double>(score.scored)}};
    if (withheld != observed.withheld.end()) {
      draft.labels["timing"] = "withheld";
      draft.text = score.variable + ": forecasts are not compared: " + withheld->second;
    } else if (score.scored == 0) {
      draft.text = score.variable + ": nothing was observed at the times forecast";
    } else {
      draft.values.insert({{"bias", score.bias},
                           {"mae", score.mae},
                           {"persistence_mae", score.persistence_mae},
                           {"persistence_n", static_cast<double>(score.persistence_n)},
                           {"mae_of_same", score.mae_of_same}});
      draft.text = score.variable + " " + number(score.horizon_s) + " s ahead: mean error " +
                   number(score.mae) + " " + score.unit + " (persistence " +
                   number(score.persistence_mae) + ")";
      if (score.with_interval > 0) {
        draft.values.insert({{"coverage90", score.coverage90},
                             {"with_interval", static_cast<double>(score.with_interval)},
                             {"crps", score.crps}});
        draft.text += ", " + number(100 * score.coverage90) + " % within its 90 % interval";
      }
    }
    auto frames = said[score.variable];
    const auto& seen = observed.frames[score.variable];
    frames.insert(frames.end(), seen.begin(), seen.end());
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(frames)));
  }
  if (check.late_rejected > 0) {
    finding::Draft draft;
    draft.kind = "twin-late";
    draft.place = "late";
    draft.t0_ns = work.phases.info.t0_ns;
    draft.t1_ns = work.phases.info.t1_ns;
    draft.values = {{"late_rejected", static_cast<double>(check.late_rejected)},
                    {"forecasts", static_cast<double>(check.forecasts)}};
    draft.text = std::to_string(check.late_rejected) + " of " + std::to_string(check.forecasts) +
                 " forecasts were issued after the time they are about: hindsight, not scored";
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(late)));
  }
  work.outcome.twin = check;
  std::map<std::string, double> values = {
      {"forecasts", static_cast<double>(check.forecasts)},
      {"late_rejected", static_cast<double>(check.late_rejected)},
      {"unmatched", static_cast<double>(check.unmatched)}};
  if (check.coverage90) values["coverage90"] = *check.coverage90;
  return run.finish(std::move(values));
}

}  // namespace casebox::analytics::jobs::internal
