#include "tools/report/case_times.h"

#include "analytics/facts/phases.h"
#include "analytics/timing/phase_timing.h"
#include "tools/cli/names.h"
#include "tools/report/html.h"

namespace casebox::tools::report {
namespace {}  // namespace

Result<CaseTimes> case_times(const storage::CaseReader& reader) {
  CaseTimes times;
  if (auto id = id_from_bytes<CaseId>(reader.record().case_id())) times.case_id = to_string(*id);
  if (!reader.readable()) {
    times.excluded = "no key opens it";
    return times;
  }
  analytics::EventLog log;
  CASEBOX_TRY(const auto known, analytics::facts::read_phases(reader, log));
  const analytics::Trace& trace = log.traces.front();
  times.source = to_string(known.source);
  for (const analytics::LogEvent& event : trace.events)
    times.spans.push_back({log.activities.at(event.activity), seconds_of(event.t0_ns),
                           seconds_of(event.t1_ns), event.open});
  for (const auto& phase : analytics::timing::time_phases(log, trace))
    if (!phase.open && phase.timed) times.seconds[phase.phase] = phase.active_s;
  if (times.spans.empty()) {
    times.excluded = "no phases are known";
    return times;
  }
  for (const analytics::quality::Issue& issue : known.quality.issues)
    if (issue.withholds) {
      times.excluded = words(issue.code);  // a code, so that few cases are not told by their text
      break;
    }
  return times;
}

}  // namespace casebox::tools::report
