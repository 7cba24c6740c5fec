#include "analytics/conformance/labels.h"

#include <set>

namespace casebox::analytics::conformance {
namespace {

constexpr size_t kMostNamed = 8;   // streams of a norm
constexpr size_t kMostLabels = 5;  // of a case that the norm does not know

std::string list_of(const std::set<std::string>& names, size_t most) {
  std::string out;
  size_t count = 0;
  for (const std::string& name : names) {
    if (count++ == most) return out + ", ... (" + std::to_string(names.size()) + " in all)";
    out += (out.empty() ? "" : ", ") + name;
  }
  return out;
}

}  // namespace

std::string folded(const std::string& label) {
  std::string out;
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (c >= 'A' && c <= 'Z')
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || byte >= 0x80)
      out.push_back(c);
  }
  return out;
}

std::map<std::string, std::string> take_labels(const protocol::Norm& norm, EventLog& log) {
  std::map<std::string, std::string> by_fold;  // "": several are written so
  for (const auto& [label, step] : norm.step_of) {
    const auto [at, fresh] = by_fold.try_emplace(folded(label), label);
    if (!fresh) at->second.clear();
  }
  std::map<std::string, std::string> taken;
  const std::vector<std::string> labels = log.activities;
  std::vector<std::optional<ActivityId>> meant(labels.size());
  for (ActivityId id = 0; id < labels.size(); ++id) {
    if (norm.step_of.contains(labels[id]) || norm.ignored.contains(labels[id])) continue;
    const auto at = by_fold.find(folded(labels[id]));
    if (at != by_fold.end() && !at->first.empty() && !at->second.empty())
      meant[id] = log.intern(at->second);
  }
  for (Trace& trace : log.traces)
    for (LogEvent& event : trace.events) {
      const ActivityId was = event.activity;
      if (!meant[was]) continue;
      event.activity = *meant[was];
      taken.emplace(labels[was], log.activities[*meant[was]]);
    }
  return taken;
}

std::string nothing_shared(const protocol::Norm& norm, const EventLog& log, const Trace& trace,
                           const std::string& procedure, const Observability& seen) {
  if (!norm.source.procedure().empty() && norm.source.procedure() != procedure)
    return "the norm is for procedure '" + norm.source.procedure() + "'";
  std::set<std::string> observers, known, unknown;
  bool watched = !seen.observers;  // a log alone is taken as whole
  for (const v1::ProtocolStep& step : norm.source.steps())
    for (const std::string& name : step.observed_by()) {
      observers.insert(name);
      if (!seen.observers) continue;
      for (const Observer& observer : *seen.observers)
        watched = watched || (observer.stream == name && observer.gave);
    }
  if (!watched && !observers.empty())
    return "nothing that can show a step of " + norm.name() + " was recorded: it names " +
           list_of(observers, kMostNamed);
  for (const LogEvent& event : trace.events) {
    const std::string& label = log.activities[event.activity];
    if (norm.ignored.contains(label)) continue;
    (norm.step_of.contains(label) ? known : unknown).insert(label);
  }
  if (unknown.size() >= 3 && unknown.size() > known.size())
    return "the case and " + norm.name() + " share too little: of " +
           std::to_string(known.size() + unknown.size()) + " labels the norm knows " +
           std::to_string(known.size()) + ", and not " + list_of(unknown, kMostLabels);
  return "";
}

}  // namespace casebox::analytics::conformance
