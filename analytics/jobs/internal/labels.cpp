#include "analytics/jobs/internal/labels.h"

namespace casebox::analytics::jobs::internal {

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

std::map<std::string, std::string> take_labels(const protocol::Norm& norm, EventLog& log,
                                               Trace& trace) {
  std::map<std::string, std::string> by_fold;  // "": several are written so
  for (const auto& [label, step] : norm.step_of) {
    const auto [at, fresh] = by_fold.try_emplace(folded(label), label);
    if (!fresh) at->second.clear();
  }
  std::map<std::string, std::string> taken;
  for (LogEvent& event : trace.events) {
    const std::string label = log.activities[event.activity];
    if (norm.step_of.contains(label) || norm.ignored.contains(label)) continue;
    const auto meant = by_fold.find(folded(label));
    if (meant == by_fold.end() || meant->first.empty() || meant->second.empty()) continue;
    event.activity = log.intern(meant->second);
    taken.emplace(label, meant->second);
  }
  return taken;
}

}  // namespace casebox::analytics::jobs::internal
