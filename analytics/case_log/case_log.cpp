#include "analytics/case_log/case_log.h"

#include <algorithm>
#include <map>
#include <set>

namespace casebox::analytics::case_log {
namespace {

EventOrigin origin_of(v1::Interval::Origin origin) {
  switch (origin) {
    case v1::Interval::ORIGIN_DEVICE: return EventOrigin::kDevice;
    case v1::Interval::ORIGIN_ALGORITHM: return EventOrigin::kAlgorithm;
    default: return EventOrigin::kHuman;
  }
}

class Builder {
 public:
  Builder(const storage::CaseReader& reader, const Options& options, EventLog& log)
      : reader_(reader), options_(options), log_(log) {
    for (const v1::Stream& stream : reader.streams()) names_[stream.stream_id()] = stream.name();
    out_.t0_ns = reader.record().first_t_ns();
    out_.t1_ns = reader.record().last_t_ns();
  }

  Result<CaseLog> build() {
    CASEBOX_CHECK(annotations());
    if (options_.phases && !annotated_ && !options_.found.empty()) add_found();
    CASEBOX_CHECK(team());
    if (options_.devices) CASEBOX_CHECK(devices());
    std::stable_sort(trace_.events.begin(), trace_.events.end(),
                     [](const LogEvent& a, const LogEvent& b) { return a.t0_ns < b.t0_ns; });
    for (size_t i = 0; i < trace_.events.size(); ++i)
      trace_.events[i].source_order = static_cast<uint32_t>(i);
    if (auto id = id_from_bytes<CaseId>(reader_.record().case_id()))
      trace_.case_key = to_string(*id);
    if (reader_.record().start_utc_ns() != 0)
      trace_.wall_start_ns = static_cast<int64_t>(reader_.record().start_utc_ns());
    out_.trace = log_.traces.size();
    log_.traces.push_back(std::move(trace_));
    return std::move(out_);
  }

 private:
  v1::SourceRange source_of(const storage::EventAt& at) const {
    v1::SourceRange range;
    range.set_epoch(at.source.epoch.value);
    range.set_stream_id(at.source.stream.value);
    range.set_first_number(at.number.value);
    range.set_last_number(at.number.value);
    range.set_t0_ns(at.t.ns);
    range.set_t1_ns(at.t.ns);
    if (auto it = names_.find(at.source.stream.value); it != names_.end())
      range.set_stream(it->second);
    return range;
  }

  LogEvent moment(const std::string& activity, const storage::EventAt& at) {
    LogEvent event;
    event.activity = log_.intern(activity);
    event.t0_ns = event.t1_ns = at.t.ns;
    event.timed = at.u95_us != frame::kUnknownU95;
    event.u95_ns = event.timed ? int64_t{at.u95_us} * 1000 : 0;
    event.sources.push_back(source_of(at));
    return event;
  }

  Result<void> annotations() {
    CASEBOX_TRY(const auto events, reader_.events(v1::STREAM_KIND_PHASE));
    for (const storage::EventAt& at : events) {
      if (!at.event.has_interval()) continue;
      const v1::Interval& interval = at.event.interval();
      out_.t1_ns = std::max(out_.t1_ns, at.t.ns + std::max<int64_t>(0, interval.duration_ns()));
      const bool phase = interval.level() == v1::Interval::LEVEL_PHASE;
      const bool step = interval.level() == v1::Interval::LEVEL_STEP;
      if (phase) annotated_ = true;
      if (!(phase && options_.phases) && !(step && options_.steps)) continue;
      LogEvent event = moment(interval.label(), at);
      event.open = interval.duration_ns() < 0;
      event.t1_ns =
          event.open ? std::max(out_.t1_ns, event.t0_ns) : event.t0_ns + interval.duration_ns();
      event.origin = origin_of(interval.origin());
      event.confidence = static_cast<float>(interval.confidence());
      event.resource = interval.annotator();
      trace_.events.push_back(std::move(event));
    }
    if (annotated_) out_.phase_source = "annotated";
    return ok();
  }

  void add_found() {
    out_.phase_source = "found";
    for (const FoundPhase& phase : options_.found) {
      LogEvent event;
      event.activity = log_.intern(phase.label);
      event.t0_ns = phase.t0_ns;
      event.t1_ns = phase.t1_ns;
      event.u95_ns = std::max(phase.u95_start_ns, phase.u95_end_ns);
      event.u95_start_ns = phase.u95_start_ns;
      event.u95_end_ns = phase.u95_end_ns;
      event.timed = phase.timed;
      event.origin = EventOrigin::kAlgorithm;
      event.sources = phase.sources;
      trace_.events.push_back(std::move(event));
    }
  }

  // Begins `key`; a second beginning before an end leaves the first one open to here.
  void begin(const std::string& key, LogEvent event) {
    auto it = open_.find(key);
    if (it != open_.end()) {
      trace_.notices.push_back(log_.activities[it->second.activity] +
                               ": began again without an end");
      close(key, event.t0_ns, nullptr);
    }
    open_.emplace(key, std::move(event));
  }

  // Ends `key`. Without a source nothing said so: the interval stays marked as open.
  bool close(const std::string& key, int64_t t_ns, const storage::EventAt* at) {
    auto it = open_.find(key);
    if (it == open_.end()) return false;
    LogEvent event = std::move(it->second);
    open_.erase(it);
    event.t1_ns = std::max(t_ns, event.t0_ns);
    event.open = at == nullptr;
    if (at != nullptr) {
      const bool bounded = at->u95_us != frame::kUnknownU95;
      event.timed = event.timed && bounded;
      if (bounded) event.u95_ns = std::max(event.u95_ns, int64_t{at->u95_us} * 1000);
      event.sources.push_back(source_of(*at));
    }
    trace_.events.push_back(std::move(event));
    return true;
  }

  void close_all() {
    while (!open_.empty()) {
      trace_.notices.push_back(log_.activities[open_.begin()->second.activity] + ": never ended");
      close(open_.begin()->first, out_.t1_ns, nullptr);
    }
  }

  void phase_mark(const v1::TeamMark& mark, const storage::EventAt& at) {
    if (!options_.phases || !options_.marked_phases || annotated_ || !options_.found.empty())
      return;
    out_.phase_source = "marked";
    if (mark.code() == "phase.begin") {
      LogEvent event = moment(mark.label(), at);
      event.resource = mark.role();
      begin(mark.label(), std::move(event));
    } else if (!close(mark.label(), at.t.ns, &at)) {
      trace_.notices.push_back(mark.label() + ": ended without a beginning");
    }
  }

  Result<void> team() {
    CASEBOX_TRY(const auto events, reader_.events(v1::STREAM_KIND_TEAM));
    for (const storage::EventAt& at : events) {
      if (at.event.has_checklist()) {
        if (options_.checklists) trace_.events.push_back(moment(at.event.checklist().code(), at));
        continue;
      }
      if (!at.event.has_mark()) continue;
      const v1::TeamMark& mark = at.event.mark();
      if (mark.code() == "phase.begin" || mark.code() == "phase.end") {
        phase_mark(mark, at);
      } else if (mark.code() == "reason") {
        out_.reasons.push_back({mark.label(), mark.reason(), at.t.ns, source_of(at)});
      } else if (options_.steps) {
        LogEvent event = moment(mark.code() == "step.done" ? mark.label() : mark.code(), at);
        event.resource = mark.role();
        trace_.events.push_back(std::move(event));
      }
    }
    close_all();
    return ok();
  }

  Result<void> devices() {
    CASEBOX_TRY(const auto events, reader_.events(v1::STREAM_KIND_DEVICE));
    for (const storage::EventAt& at : events) {
      if (!at.event.has_device() || !at.event.device().has_on()) continue;
      const v1::DeviceEvent& device = at.event.device();
      const std::string key = std::to_string(at.source.stream.value) + "/" + device.code();
      if (device.on()) {
        LogEvent event = moment(device.code(), at);
        event.origin = EventOrigin::kDevice;
        begin(key, std::move(event));
      } else {
        close(key, at.t.ns, &at);  // off without on: it was on before the recording
      }
    }
    close_all();
    return ok();
  }

  const storage::CaseReader& reader_;
  const Options& options_;
  EventLog& log_;
  Trace trace_;
  CaseLog out_;
  std::map<uint32_t, std::string> names_;
  std::map<std::string, LogEvent> open_;
  bool annotated_ = false;
};

}  // namespace

Result<CaseLog> add_case(const storage::CaseReader& reader, const Options& options, EventLog& log) {
  return Builder(reader, options, log).build();
}

}  // namespace casebox::analytics::case_log
