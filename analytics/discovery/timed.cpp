#include "analytics/discovery/timed.h"

namespace casebox::analytics::discovery {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out;
}

std::string of(size_t n, size_t all) { return std::to_string(n) + " of " + std::to_string(all); }

}  // namespace

std::optional<Excluded> timing_excluded(const EventLog& log, size_t trace, Withheld withheld) {
  const Trace& t = log.traces[trace];
  if (trace < withheld.size() && !withheld[trace].empty())
    return Excluded{t.case_key, joined(withheld[trace]), true};
  size_t untimed = 0, unbounded = 0, open = 0, reversed = 0;
  for (const LogEvent& event : t.events) {
    if (!event.timed)
      ++untimed;
    else if (event.u95_ns < 0)
      ++unbounded;
    else if (event.open)
      ++open;
    else if (event.t1_ns < event.t0_ns)
      ++reversed;
  }
  if (untimed + unbounded + open + reversed == 0) return std::nullopt;
  const size_t all = t.events.size();
  if (untimed == all) return Excluded{t.case_key, "no event has a time", true};
  if (untimed + unbounded == all) return Excluded{t.case_key, "its times have no bound", true};
  std::vector<std::string> parts;
  if (untimed > 0) parts.push_back(of(untimed, all) + " events have no time");
  if (unbounded > 0) parts.push_back("the times of " + of(unbounded, all) + " have no bound");
  if (open > 0) parts.push_back(of(open, all) + " never ended: nothing is measured from their end");
  if (reversed > 0) parts.push_back(of(reversed, all) + " end before they begin");
  return Excluded{t.case_key, joined(parts), false};
}

}  // namespace casebox::analytics::discovery
