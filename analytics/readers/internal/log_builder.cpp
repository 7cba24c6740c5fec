#include "analytics/readers/internal/log_builder.h"

#include <algorithm>

namespace casebox::analytics::readers::internal {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kGrains[] = {kSecond, 60 * kSecond, 3600 * kSecond, 86400 * kSecond};
constexpr const char* kGrainNames[] = {"seconds", "minutes", "hours", "days"};
// Transitions of the standard lifecycle, IEEE 1849 (XES), annex on extensions. Programs write what
// they like in their place; what is no transition says nothing of whether a step was done.
constexpr const char* kTransitions[] = {
    "schedule", "assign",    "withdraw", "reassign", "start",      "suspend", "resume",
    "pi_abort", "ate_abort", "complete", "autoskip", "manualskip", "unknown"};
const std::string kNoTransition;
const std::string kStart = "start", kComplete = "complete";
// What programs write for the two that count.
constexpr const char* kStarts[] = {"started", "begin", "begins", "began"};
constexpr const char* kCompletes[] = {"completed", "completion", "end",
                                      "ended",     "finish",     "finished"};
// Fewer times than this may be whole minutes by chance.
constexpr uint64_t kEnoughStamps = 8;

}  // namespace

void LogBuilder::begin_trace() {
  trace_ = {};
  dropped_.clear();
  name_.clear();
  open_.clear();
  exact_ = false;
  wall_known_ = true;
}

void LogBuilder::see(const Stamp& stamp) {
  ++stamps_;
  if (!stamp.zoned) ++unzoned_;
  for (int i = 0; i < 4; ++i)
    if (stamp.local_ns % kGrains[i] == 0) ++coarse_[i];
}

// A complete record ends the earliest start record of the same activity (and instance, if named).
bool LogBuilder::pair(const RawEvent& event, ActivityId activity) {
  std::vector<Open>& open = open_[activity];
  const auto it = std::ranges::find_if(open, [&](const Open& o) {
    return o.instance == event.instance || o.instance.empty() || event.instance.empty();
  });
  if (it == open.end()) return false;
  LogEvent& begun = trace_.events[it->event];
  begun.open = false;
  if (event.end) begun.t1_ns = event.end->utc_ns;
  begun.timed = begun.timed && event.end.has_value();
  if (begun.t1_ns < begun.t0_ns) {
    std::swap(begun.t0_ns, begun.t1_ns);
    count("intervals ending before they begin were turned round");
  }
  open.erase(it);
  return true;
}

void LogBuilder::add(const RawEvent& event) {
  if (event.activity.empty()) return count("events without an activity were dropped");
  if (event.beside)
    return count("events beside the pathway (alarms, checklists, reasons) were left out");
  const auto one_of = [&](const auto& words) {
    return std::ranges::find(words, event.lifecycle) != std::ranges::end(words);
  };
  const std::string& written = one_of(kStarts)      ? kStart
                               : one_of(kCompletes) ? kComplete
                                                    : event.lifecycle;
  const bool standard =
      written.empty() || std::ranges::find(kTransitions, written) != std::ranges::end(kTransitions);
  if (!standard)
    count(
        "events have a lifecycle that is none of the standard's, a status perhaps: each counts "
        "as a step");
  const std::string& l = standard ? written : kNoTransition;
  if (!l.empty() && l != kStart && l != kComplete) {
    dropped_.insert(event.activity);
    return count("events with lifecycle '" + l +
                 "' were dropped (only start and complete are steps)");
  }
  if (event.bad_time) count("events with a time that cannot be read keep their order only");
  const ActivityId activity = log_.intern(event.activity);
  if (event.start) see(*event.start);
  if (event.end) see(*event.end);
  if (l == "complete" && !event.start && pair(event, activity)) return;

  LogEvent out;
  out.activity = activity;
  out.source_order = static_cast<uint32_t>(trace_.events.size());
  out.timed = event.end || event.start || (event.t0_ns && event.t1_ns);
  if (!out.timed && !event.bad_time) count("events without a time keep their order only");
  const Stamp first = event.start ? *event.start : event.end.value_or(Stamp{});
  const Stamp last = event.end ? *event.end : first;
  out.t0_ns = first.utc_ns;
  out.t1_ns = last.utc_ns;
  if (event.t0_ns && event.t1_ns) {
    exact_ = true;
    out.t0_ns = *event.t0_ns;
    out.t1_ns = *event.t1_ns;
  }
  if (out.t1_ns < out.t0_ns) {
    std::swap(out.t0_ns, out.t1_ns);
    count("intervals ending before they begin were turned round");
  }
  if (event.u95_ns) {
    out.u95_ns = *event.u95_ns;
    stated_u95_ = true;
  }
  out.u95_start_ns = event.u95_start_ns.value_or(-1);
  out.u95_end_ns = event.u95_end_ns.value_or(-1);
  out.resource = event.resource;
  out.confidence = static_cast<float>(event.confidence);
  out.open = event.open;
  if (event.origin) out.origin = *event.origin;
  if (l == "start" && !event.start) {
    out.open = true;
    open_[activity].push_back({trace_.events.size(), event.instance});
  }
  if (exact_ && wall_known_ && !trace_.wall_start_ns && event.end && event.t1_ns)
    trace_.wall_start_ns = event.end->utc_ns - *event.t1_ns;
  trace_.events.push_back(std::move(out));
  ++events_;
}

void LogBuilder::end_trace() {
  if (name_.empty()) {
    name_ = "trace-" + std::to_string(log_.traces.size() + 1);
    count("traces without a name were numbered");
  }
  if (const uint32_t times = ++names_[name_]; times > 1) {
    count("traces with the name of an earlier one got a number behind it");
    name_ += "#" + std::to_string(times);
  }
  trace_.case_key = name_;
  for (const LogEvent& e : trace_.events) dropped_.erase(log_.activities[e.activity]);
  if (!dropped_.empty()) planned_[log_.traces.size()].assign(dropped_.begin(), dropped_.end());
  int64_t begin = INT64_MAX, end = INT64_MIN;
  for (const LogEvent& e : trace_.events) {
    if (!e.timed) continue;
    begin = std::min(begin, e.t0_ns);
    end = std::max(end, e.t1_ns);
  }
  for (LogEvent& e : trace_.events)
    if (e.open && e.timed && e.t1_ns < end) {
      e.t1_ns = end;
      count("intervals that never ended were left open");
    }
  if (begin != INT64_MAX && !relative_ && !exact_) {
    trace_.wall_start_ns = begin;
    for (LogEvent& e : trace_.events)
      if (e.timed) {
        e.t0_ns -= begin;
        e.t1_ns -= begin;
      }
  }
  // An event without a time stands where the file has it: at the time of the one before.
  int64_t last = 0;
  for (LogEvent& e : trace_.events) {
    if (!e.timed) e.t0_ns = e.t1_ns = last;
    last = e.t0_ns;
  }
  log_.traces.push_back(std::move(trace_));
  trace_ = {};
}

EventLog LogBuilder::finish() {
  for (const auto& [what, n] : counts_) log_.notices.push_back(std::to_string(n) + " " + what);
  if (unzoned_ > 0)
    log_.notices.push_back(std::to_string(unzoned_) + " times have no offset and are taken as UTC");
  if (!stated_u95_ && stamps_ >= kEnoughStamps) {
    for (int i = 3; i >= 0; --i) {
      if (coarse_[i] != stamps_) continue;
      log_.notices.push_back(std::string("all times are whole ") + kGrainNames[i] +
                             ": each is known to half of one, order within is the file's");
      for (Trace& trace : log_.traces)
        for (LogEvent& e : trace.events) e.u95_ns = kGrains[i] / 2;
      break;
    }
  }
  return std::move(log_);
}

}  // namespace casebox::analytics::readers::internal
