#include "tools/close_jobs.h"

#include <algorithm>
#include <cstdio>

#include "proto/log/log.h"
#include "tools/analysis.h"

namespace casebox::tools {
namespace {

bool whole_run_of(const v1::CaseRecord& record) {
  return std::ranges::any_of(record.epochs(), [](const v1::EpochRecord& epoch) {
    return epoch.role() == v1::PRODUCER_ROLE_ANALYSIS && epoch.closed() &&
           epoch.close().reason() == v1::CloseFrame::REASON_CASE_ENDED;
  });
}

/// Cases whose jobs were run to the end according to the analysis log. With a broker the store
/// hears of them only when they come back.
Result<std::set<CaseId>> written_to(const std::filesystem::path& dir) {
  std::set<CaseId> out;
  if (!log::is_log(dir)) return out;
  CASEBOX_TRY(auto reader, log::Reader::open(dir));
  while (true) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (!entry) return out;
    if (entry->preamble || entry->frame.header.kind != frame::Kind::kCase) continue;
    v1::CaseControl control;
    const BytesView body = entry->frame.body;
    if (!control.ParseFromArray(body.data(), static_cast<int>(body.size()))) continue;
    if (control.has_close() && control.close().reason() == v1::CloseFrame::REASON_CASE_ENDED)
      out.insert(entry->case_id);
  }
}

/// What another try may mend by itself.
bool passes(Code code) {
  return code == Code::kUnavailable || code == Code::kNoSpace || code == Code::kIo;
}

}  // namespace

Result<void> CloseJobs::catch_up() {
  CASEBOX_TRY(auto records, access_.store().operations());
  std::erase_if(records, [](const v1::CaseRecord& record) {
    return record.state() != v1::CASE_STATE_CLOSED || whole_run_of(record);
  });
  if (records.empty()) return ok();
  std::ranges::sort(records, {}, &v1::CaseRecord::start_utc_ns);
  CASEBOX_TRY(const auto written, written_to(access_.log_dir("analysis")));
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    if (!written.contains(id)) add(id);
  }
  return ok();
}

void CloseJobs::add(CaseId id) {
  if (std::ranges::find(queue_, id) == queue_.end()) queue_.push_back(id);
}

Result<bool> CloseJobs::step() {
  if (queue_.empty()) return false;
  const CaseId id = queue_.front();
  const auto done = analyze_closed(access_, id);
  if (!done && passes(done.error().code)) return annotate(done.error(), "case " + to_string(id));
  queue_.pop_front();
  ++state_.analysed;
  if (done && done->failed.empty()) return true;
  ++state_.failed;
  if (!done) {
    --state_.analysed;
    std::fprintf(stderr,
                 "casebox: case %s: its jobs could not be run (%s); casebox analyze --case\n",
                 to_string(id).c_str(), to_string(done.error().code));
    return true;
  }
  for (const auto& [job, code] : done->failed)
    std::fprintf(stderr,
                 "casebox: case %s: job %s failed (%s); casebox analyze %s --case says why\n",
                 to_string(id).c_str(), job.c_str(), to_string(code), job.c_str());
  return true;
}

}  // namespace casebox::tools
