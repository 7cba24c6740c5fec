#include "analytics/timing/phase_timing.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace casebox::analytics::timing {
namespace {

double seconds_of(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

struct Collected {
  std::vector<double> active, span, idle, entries, starts;
};

PhaseTime sum_up(const std::string& phase, std::vector<const LogEvent*> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto* a, const auto* b) { return a->t0_ns < b->t0_ns; });
  PhaseTime out;
  out.phase = phase;
  out.entries = static_cast<uint32_t>(entries.size());
  int64_t end = entries.front()->t0_ns, active = 0;
  double variance = 0;
  for (const LogEvent* event : entries) {
    out.open = out.open || event->open;
    out.timed = out.timed && event->timed;
    const int64_t from = std::max(event->t0_ns, end);
    active += std::max<int64_t>(0, event->t1_ns - from);
    end = std::max(end, event->t1_ns);
    variance += 2 * std::pow(seconds_of(event->u95_ns), 2);
  }
  out.first_start_s = seconds_of(entries.front()->t0_ns);
  out.last_end_s = seconds_of(end);
  out.active_s = seconds_of(active);
  out.span_s = seconds_of(end - entries.front()->t0_ns);
  out.idle_s = seconds_of(end - entries.front()->t0_ns - active);
  out.u95_s = std::sqrt(variance);
  return out;
}

std::string joined(const std::vector<std::string>& reasons) {
  std::string out;
  for (const std::string& reason : reasons) out += (out.empty() ? "" : "; ") + reason;
  return out;
}

PhaseRow row_of(const std::string& phase, const Collected& values) {
  PhaseRow row;
  row.phase = phase;
  row.n = values.active.size();
  row.median_s = median(values.active);
  row.mad_s = mad(values.active);
  row.mean_s = mean(values.active);
  const HodgesLehmann raw = hodges_lehmann(values.active);
  row.hl_s = raw.estimate;
  row.ci95_s = raw.interval;
  std::vector<double> logs;
  for (double v : values.active) logs.push_back(std::log(v));
  const HodgesLehmann logged = hodges_lehmann(logs);
  row.log_hl_s = std::exp(logged.estimate);
  if (logged.interval)
    row.log_ci95_s = Interval{std::exp(logged.interval->low), std::exp(logged.interval->high)};
  row.median_ci95_s = median_interval(values.active);
  row.median_span_s = median(values.span);
  row.median_idle_s = median(values.idle);
  row.mean_entries = mean(values.entries);
  return row;
}

}  // namespace

std::vector<PhaseTime> time_phases(const EventLog& log, const Trace& trace) {
  std::map<ActivityId, std::vector<const LogEvent*>> by_phase;
  for (const LogEvent& event : trace.events) by_phase[event.activity].push_back(&event);
  std::vector<PhaseTime> out;
  for (const auto& [activity, entries] : by_phase)
    out.push_back(sum_up(log.activities[activity], entries));
  std::sort(out.begin(), out.end(), [](const PhaseTime& a, const PhaseTime& b) {
    return std::tie(a.first_start_s, a.phase) < std::tie(b.first_start_s, b.phase);
  });
  return out;
}

TimingTable time_cohort(const std::vector<TimedCase>& cases) {
  TimingTable table;
  table.cases = cases.size();
  std::map<std::string, Collected> by_phase;
  for (const TimedCase& one : cases) {
    const std::string& id = one.trace->case_key;
    if (!one.withheld.empty()) {
      table.excluded.push_back({id, "", joined(one.withheld)});
      continue;
    }
    for (const PhaseTime& time : time_phases(*one.log, *one.trace)) {
      if (time.open) {
        table.excluded.push_back({id, time.phase, "never ended"});
      } else if (!time.timed) {
        table.excluded.push_back({id, time.phase, "its times have no bound"});
      } else if (time.active_s <= 0) {
        table.excluded.push_back({id, time.phase, "no duration"});
      } else {
        Collected& values = by_phase[time.phase];
        values.active.push_back(time.active_s);
        values.span.push_back(time.span_s);
        values.idle.push_back(time.idle_s);
        values.entries.push_back(time.entries);
        values.starts.push_back(time.first_start_s);
      }
    }
  }
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [phase, values] : by_phase) order.emplace_back(median(values.starts), phase);
  std::sort(order.begin(), order.end());
  for (const auto& [start, phase] : order) table.phases.push_back(row_of(phase, by_phase[phase]));
  return table;
}

}  // namespace casebox::analytics::timing
