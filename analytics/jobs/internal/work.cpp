#include "analytics/jobs/internal/work.h"

#include <cstdio>

#include "proto/seal/seal.h"

namespace casebox::analytics::jobs::internal {

Run::Run(Work& work, const std::string& job, const std::string& version, const std::string& config)
    : work_(work) {
  run_.set_job(job);
  run_.set_job_version(version);
  run_.set_binary(work.options.program.binary);
  run_.set_binary_sha256(work.options.program.binary_sha256);
  run_.set_config_sha256(Bytes(view(seal::sha256(config))));
  run_.set_order_basis(to_string(OrderBasis::kStart));
  report_.job = job;
}

Result<void> Run::emit(finding::Draft draft, std::vector<storage::SourceRef> frames) {
  CASEBOX_TRY(draft.sources, work_.sources.ranges(std::move(frames)));
  ++report_.findings;
  return work_.sink(finding::make(work_.case_id, run_, draft));
}

Result<void> Run::finish(std::map<std::string, double> values) {
  finding::Draft draft;
  draft.kind = finding::kRunKind;
  draft.place = "run";
  draft.t0_ns = work_.reader.record().first_t_ns();
  draft.t1_ns = work_.reader.record().last_t_ns();
  draft.values = std::move(values);
  draft.values["findings"] = report_.findings;
  draft.labels["outcome"] = report_.skipped.empty() ? "ran" : "skipped";
  if (!report_.skipped.empty()) draft.labels["reason"] = report_.skipped;
  draft.text = report_.skipped.empty()
                   ? run_.job() + ": " + std::to_string(report_.findings) + " findings"
                   : run_.job() + ": skipped, " + report_.skipped;
  CASEBOX_CHECK(work_.sink(finding::make(work_.case_id, run_, draft)));
  work_.outcome.reports.push_back(report_);
  return ok();
}

Result<void> Run::skip(const std::string& why) {
  report_.skipped = why;
  return finish();
}

std::vector<storage::SourceRef> frames_of(const std::vector<v1::SourceRange>& ranges) {
  std::vector<storage::SourceRef> out;
  for (const v1::SourceRange& range : ranges)
    out.push_back({Epoch{range.epoch()}, StreamId{range.stream_id()},
                   ItemNumber{range.first_number()},
                   static_cast<uint32_t>(range.last_number() - range.first_number() + 1)});
  return out;
}

std::string clock_text(int64_t t_ns) {
  const int64_t s = (t_ns + 500'000'000) / 1'000'000'000;
  char text[32];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(s / 3600),
                static_cast<long long>(s / 60 % 60), static_cast<long long>(s % 60));
  return text;
}

}  // namespace casebox::analytics::jobs::internal
