#include <cstdio>

#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs::internal {
Result<void> phases_job(Work& work) {
  char config[64];
  std::snprintf(config, sizeof config, "model=cholec80 time_scale=%.6g", work.time_scale);
  Run run(work, "phases", "2", config);
  if (!work.phases.found) return run.skip(work.no_phases);
  const bool timed = work.phases.quality.timing_ok();
  const bool placed = work.phases.quality.moment_reasons().empty();
  const auto& found = work.phases.found->phases;
  for (size_t index = 0; index < found.size(); ++index) {
    const phases::FoundPhase& phase = found[index];
    finding::Draft draft;
    draft.kind = "phase";
    draft.place = "phase/" + std::to_string(index);
    draft.step = phase.label;
    draft.values = {{"index", static_cast<double>(index)}};
    draft.labels = {{"phase", phase.label}, {"timing", timed ? "kept" : finding::kWithheld}};
    if (placed) {
      draft.t0_ns = from_seconds(phase.start.t_s).ns;
      draft.t1_ns = from_seconds(phase.end.t_s).ns;
      draft.values.merge(std::map<std::string, double>{{"start_s", phase.start.t_s},
                                                       {"start_low_s", phase.start.low_s},
                                                       {"start_high_s", phase.start.high_s},
                                                       {"start_u95_s", phase.start.u95_s()},
                                                       {"end_s", phase.end.t_s},
                                                       {"end_low_s", phase.end.low_s},
                                                       {"end_high_s", phase.end.high_s},
                                                       {"end_u95_s", phase.end.u95_s()}});
      draft.text = phase.label + " from " + clock_text(draft.t0_ns) + " to " +
                   clock_text(draft.t1_ns) +
                   (timed ? "" : "; its place in the sequence, timing is withheld");
    } else {
      draft.t0_ns = work.phases.info.t0_ns;
      draft.t1_ns = work.phases.info.t1_ns;
      draft.labels[finding::kMoments] = finding::kWithheld;
      draft.text = phase.label + ", number " + std::to_string(index + 1) + " of " +
                   std::to_string(found.size()) + " phases found; when it was is withheld";
    }
    auto frames = phases::frames_near(work.signals, phase.start.t_s);
    for (const auto& ref : phases::frames_near(work.signals, phase.end.t_s)) frames.push_back(ref);
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(frames)));
  }
  return run.finish({{"log_likelihood", work.phases.found->log_likelihood}});
}

}  // namespace casebox::analytics::jobs::internal
