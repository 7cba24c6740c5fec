#include "ingest/internal/indexer.h"

#include <chrono>
#include <cstdio>

namespace casebox::ingest {
namespace {

using storage::IndexEntry;

std::string label_of(const v1::Finding& finding, const std::string& name) {
  auto it = finding.labels().find(name);
  return it == finding.labels().end() ? std::string() : it->second;
}

double value_of(const v1::Finding& finding, const std::string& name) {
  auto it = finding.values().find(name);
  return it == finding.values().end() ? 0 : it->second;
}

double device_value(const v1::DeviceEvent& device) {
  switch (device.value_case()) {
    case v1::DeviceEvent::kOn: return device.on() ? 1 : 0;
    case v1::DeviceEvent::kNumber: return device.number();
    default: return 0;
  }
}

void add_finding(CaseId id, const v1::Finding& finding, std::vector<IndexEntry>& out) {
  const CaseTime t{finding.t0_ns()};
  const double length = Duration{finding.t1_ns() - finding.t0_ns()}.seconds();
  out.push_back({"finding", finding.kind(), id, t, length});
  if (finding.kind() == "phase")
    out.push_back({"phase", label_of(finding, "phase"), id, t, length});
  if (finding.kind() == "departure")
    out.push_back(
        {"departure", label_of(finding, "deviation"), id, t, value_of(finding, "margin")});
}

}  // namespace

std::vector<IndexEntry> index_events(CaseId id, CaseTime t0, const v1::EventBatch& batch) {
  std::vector<IndexEntry> out;
  for (const auto& event : batch.events()) {
    const CaseTime t = t0 + nanoseconds(event.dt_ns());
    switch (event.what_case()) {
      case v1::Event::kDevice:
        out.push_back({"event", event.device().code(), id, t, device_value(event.device())});
        break;
      case v1::Event::kAlarm:
        out.push_back({"alarm", event.alarm().code(), id, t, event.alarm().active() ? 1.0 : 0.0});
        break;
      case v1::Event::kMark: out.push_back({"mark", event.mark().code(), id, t, 0}); break;
      case v1::Event::kChecklist:
        out.push_back({"checklist", event.checklist().code(), id, t,
                       event.checklist().complete() ? 1.0 : 0.0});
        break;
      case v1::Event::kInterval:
        if (event.interval().level() == v1::Interval::LEVEL_PHASE)
          out.push_back({"phase", event.interval().label(), id, t,
                         Duration{event.interval().duration_ns()}.seconds()});
        if (event.interval().level() == v1::Interval::LEVEL_STEP)
          out.push_back({"step", event.interval().label(), id, t,
                         Duration{event.interval().duration_ns()}.seconds()});
        break;
      case v1::Event::kFinding: add_finding(id, event.finding(), out); break;
      default: break;
    }
  }
  return out;
}

std::vector<IndexEntry> index_case(CaseId id, const v1::CaseRecord& record) {
  std::vector<IndexEntry> out;
  out.push_back({"procedure", record.procedure(), id, CaseTime{}, 0});
  out.push_back({"room", record.room(), id, CaseTime{}, 0});
  const std::chrono::sys_time<std::chrono::nanoseconds> start{
      std::chrono::nanoseconds(static_cast<int64_t>(record.start_utc_ns()))};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(start)};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  out.push_back({"date", text, id, CaseTime{}, 0});
  return out;
}

}  // namespace casebox::ingest
