#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs::internal {

Result<void> quality_job(Work& work) {
  Run run(work, "quality", "1", "gap_share=0.05 gap_s=60 wall_jump_s=1 overlap_s=1");
  size_t index = 0, withholding = 0;
  for (const quality::Issue& issue : work.phases.quality.issues) {
    finding::Draft draft;
    draft.kind = "quality";
    draft.place = issue.code + "/" + issue.what + "/" + std::to_string(index++);
    draft.t0_ns = issue.t0_ns;
    draft.t1_ns = issue.t1_ns;
    draft.text = issue.text;
    if (issue.withholds) draft.text += quality::kWithheldTail;
    draft.labels = {{"code", issue.code},
                    {"about", issue.what},
                    {"timing", issue.withholds ? "withheld" : "kept"}};
    withholding += issue.withholds;
    CASEBOX_CHECK(run.emit(std::move(draft), issue.frames));
  }
  return run.finish({{"timing_ok", withholding == 0 ? 1 : 0}});
}

}  // namespace casebox::analytics::jobs::internal
