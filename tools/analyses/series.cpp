#include "tools/analyses/series.h"

#include <algorithm>
#include <tuple>

namespace casebox::tools {

namespace spc = analytics::spc;

namespace {

spc::CaseValue recorded_duration(const Cohort& cohort, size_t i) {
  const auto& duration = cohort.durations_s[i];
  return duration ? spc::CaseValue{*duration, ""} : spc::CaseValue{{}, "no key opens it"};
}

}  // namespace

Series make_series(const Cohort& cohort, const spc::Measure& measure,
                   const std::vector<spc::CaseValue>* departures) {
  const auto value_of = [&](size_t i) -> spc::CaseValue {
    if (departures != nullptr) {
      spc::CaseValue value = (*departures)[i];
      if (value.value && measure.kind == spc::MeasureKind::kDeparted)
        value.value = *value.value > 0 ? 1 : 0;
      return value;
    }
    const analytics::Trace& trace = cohort.log.traces[i];
    if (cohort.from_store() && measure.kind == spc::MeasureKind::kDuration)
      return recorded_duration(cohort, i);
    if (cohort.from_store() && trace.events.empty()) {
      // No key opens it, or nothing is annotated: neither is a case without the event.
      const auto& why = cohort.moments_withheld[i];
      return {{}, why.empty() ? "no phases" : why.front()};
    }
    return spc::measure_case(cohort.log, trace, cohort.withheld[i], measure);
  };
  Series out;
  const auto& traces = cohort.log.traces;
  out.dated =
      std::ranges::any_of(traces, [](const auto& t) { return t.wall_start_ns.has_value(); });
  for (size_t i = 0; i < traces.size(); ++i) {
    const analytics::Trace& trace = traces[i];
    const spc::CaseValue value = value_of(i);
    if (!value.value) {
      out.left_out.push_back({trace.case_key, value.reason});
      continue;
    }
    if (out.dated && !trace.wall_start_ns) {
      out.left_out.push_back({trace.case_key, "no date, while others have one"});
      continue;
    }
    const spc::CaseValue duration =
        cohort.from_store()
            ? recorded_duration(cohort, i)
            : spc::measure_case(cohort.log, trace, cohort.withheld[i], spc::Measure{});
    out.cases.push_back(
        {trace.case_key, i, trace.wall_start_ns, *value.value, duration.value.value_or(0)});
  }
  if (out.dated)
    std::ranges::sort(out.cases, [](const SeriesCase& a, const SeriesCase& b) {
      return std::tie(*a.wall_start_ns, a.key, a.trace) <
             std::tie(*b.wall_start_ns, b.key, b.trace);
    });
  return out;
}

void fill_groups(size_t group, Series& series) {
  const size_t over = series.cases.size() % group;
  for (size_t i = 0; i < over; ++i)
    series.left_out.push_back({series.cases[i].key, "fills no group of cases"});
  series.cases.erase(series.cases.begin(), series.cases.begin() + static_cast<ptrdiff_t>(over));
}

Json left_out_json(const std::vector<LeftOut>& left_out) {
  Json out = Json::array();
  for (const LeftOut& one : left_out)
    out.push_back({{"case_id", one.case_id}, {"phase", nullptr}, {"reason", one.reason}});
  return out;
}

}  // namespace casebox::tools
