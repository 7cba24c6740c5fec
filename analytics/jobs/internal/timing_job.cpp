#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs::internal {

Result<void> timing_job(Work& work) {
  Run run(work, "timing", "2", "phases=" + work.phases.info.phase_source);
  const Trace& trace = work.trace();
  if (trace.events.empty()) return run.skip("no phases are known");
  const std::vector<std::string> withheld = work.phases.quality.reasons();
  if (!withheld.empty()) {
    finding::Draft draft;
    draft.kind = "timing-withheld";
    draft.place = "case";
    draft.t0_ns = work.phases.info.t0_ns;
    draft.t1_ns = work.phases.info.t1_ns;
    draft.text = "timing is withheld: " + withheld.front();
    if (withheld.size() > 1)
      draft.text += " (and " + std::to_string(withheld.size() - 1) + " more)";
    std::vector<storage::SourceRef> frames;
    for (const quality::Issue& issue : work.phases.quality.issues)
      if (issue.withholds) frames.insert(frames.end(), issue.frames.begin(), issue.frames.end());
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(frames)));
    return run.finish({{"withheld", 1}});
  }
  work.outcome.timing = timing::time_phases(work.outcome.log, trace);
  for (const timing::PhaseTime& time : work.outcome.timing) {
    finding::Draft draft;
    draft.kind = "timing";
    draft.place = "phase/" + time.phase;
    draft.step = time.phase;
    draft.t0_ns = from_seconds(time.first_start_s).ns;
    draft.t1_ns = from_seconds(time.last_end_s).ns;
    draft.labels = {{"phase", time.phase}, {"phases_are", work.phases.info.phase_source}};
    draft.values = {{"entries", time.entries}, {"span_s", time.span_s}};
    if (time.open) {
      draft.labels["open"] = "true";
      draft.text = time.phase + " never ended; no duration can be given";
    } else {
      draft.values.insert(
          {{"active_s", time.active_s}, {"idle_s", time.idle_s}, {"active_u95_s", time.u95_s}});
      draft.text = time.phase + " lasted " + clock_text(from_seconds(time.active_s).ns) + " in " +
                   std::to_string(time.entries) + (time.entries == 1 ? " entry" : " entries") +
                   (time.timed ? ", give or take " + clock_text(from_seconds(time.u95_s).ns)
                               : ", with no bound");
    }
    std::vector<storage::SourceRef> frames;
    for (const LogEvent& event : trace.events)
      if (work.outcome.log.activities[event.activity] == time.phase)
        for (const auto& ref : frames_of(event.sources)) frames.push_back(ref);
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(frames)));
  }
  return run.finish({{"withheld", 0}});
}

}  // namespace casebox::analytics::jobs::internal
