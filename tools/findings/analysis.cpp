#include "tools/findings/analysis.h"

#include <algorithm>
#include <map>

#include "tools/findings/findings.h"
#include "tools/findings/norms.h"
#include "tools/findings/study.h"

namespace casebox::tools {
namespace {

namespace finding = analytics::finding;
namespace jobs = analytics::jobs;

struct ChosenNorm {
  std::optional<analytics::protocol::Norm> norm;
  Digest sha256{};
};

Result<ChosenNorm> norm_for(const std::string& procedure, const std::string& asked) {
  ChosenNorm out;
  std::string name = asked;
  if (name.empty()) {
    for (const std::string& id : built_in_protocols()) {
      CASEBOX_TRY(const NormFile file, load_norm(id));
      if (!procedure.empty() && file.norm.source.procedure() == procedure) name = id;
    }
  }
  if (name.empty()) return out;
  CASEBOX_TRY(NormFile file, load_norm(name));
  CASEBOX_TRY(const Bytes digest, from_hex(file.sha256));
  CASEBOX_TRY(out.sha256, to_digest(digest));
  out.norm = std::move(file.norm);
  return out;
}

Result<Analysis> compute(const storage::CaseReader& reader, CaseId id,
                         const AnalysisOptions& options) {
  Analysis out;
  out.case_id = id;
  jobs::Options how;
  how.only = options.jobs;
  CASEBOX_TRY(how.program, this_program());
  ChosenNorm norm;
  if (how.only.empty() || how.only.contains("conformance")) {
    CASEBOX_TRY(norm, norm_for(reader.record().procedure(), options.protocol));
    if (norm.norm) how.norm = &*norm.norm;
    how.norm_sha256 = norm.sha256;
  }
  CASEBOX_TRY(out.outcome, jobs::run_jobs(reader, how, [&](const v1::Finding& one) {
                out.findings.push_back(one);
                return ok();
              }));
  out.verdict = reader.verdict();
  return out;
}

/// Jobs whose findings are not those in force, be it in one of them.
std::vector<std::string> changed_jobs(const std::vector<v1::Finding>& found,
                                      const std::vector<v1::Finding>& stored) {
  std::map<std::string, std::vector<v1::Finding>> before, now;
  for (const v1::Finding& one : stored) before[one.run().job()].push_back(one);
  for (const v1::Finding& one : found) now[one.run().job()].push_back(one);
  std::vector<std::string> out;
  for (const auto& [job, findings] : now)
    if (!same_findings(before[job], findings)) out.push_back(job);
  return out;
}

Result<void> write(StoreAccess& access, log::Writer& log, const Analysis& analysis,
                   const v1::CaseRecord& record) {
  CASEBOX_TRY(auto producer,
              access.begin_derived(log, "analysis", analysis.case_id, v1::PRODUCER_ROLE_ANALYSIS));
  std::vector<v1::Finding> changed;
  for (const v1::Finding& one : analysis.findings)
    if (std::ranges::find(analysis.written, one.run().job()) != analysis.written.end())
      changed.push_back(one);
  CASEBOX_CHECK(append_findings(*producer, access.clock(), changed));
  return producer->close(CaseTime{record.last_t_ns()});
}

/// Writes the jobs whose findings changed; `log` is opened when there is something to write.
Result<void> write_changed(StoreAccess& access, const storage::CaseReader& reader,
                           Analysis& analysis, std::unique_ptr<log::Writer>& log) {
  CASEBOX_TRY(const auto stored, read_findings(reader));
  analysis.written = changed_jobs(analysis.findings, stored.in_force);
  if (analysis.written.empty()) return ok();
  if (!log) {
    CASEBOX_TRY(log, access.open_log("analysis"));
  }
  return write(access, *log, analysis, reader.record());
}

/// The run record of a job that failed. Its message may hold anything; the kind of error does not.
Result<v1::Finding> failed_run(CaseId id, const std::string& job, Code code,
                               const v1::CaseRecord& record) {
  CASEBOX_TRY(const jobs::Program program, this_program());
  v1::AnalysisRun run;
  run.set_job(job);
  run.set_binary(program.binary);
  run.set_binary_sha256(program.binary_sha256);
  finding::Draft draft;
  draft.kind = finding::kRunKind;
  draft.place = "run";
  draft.t0_ns = record.first_t_ns();
  draft.t1_ns = record.last_t_ns();
  draft.values["findings"] = 0;
  draft.labels = {{"outcome", "failed"}, {"reason", to_string(code)}};
  draft.text = job + ": failed (" + to_string(code) + ")";
  return finding::make(id, run, draft);
}

/// Whether a failure is of the case's content, not of the machine or of rights.
bool of_content(Code code) {
  return code != Code::kDenied && code != Code::kNotFound && code != Code::kUnavailable &&
         code != Code::kNoSpace && code != Code::kIo;
}

}  // namespace

Result<Analysis> compute_analysis(StoreAccess& access, CaseId id, const AnalysisOptions& options) {
  CASEBOX_TRY(auto reader, access.read_content(id, keyring::Purpose::kAnalysis));
  return compute(*reader, id, options);
}

Result<void> analyze_cases(StoreAccess& access, const std::vector<CaseId>& ids,
                           const AnalysisOptions& options,
                           const std::function<Result<void>(const Analysis&)>& visit) {
  std::unique_ptr<log::Writer> log;
  for (CaseId id : ids) {
    CASEBOX_TRY(auto reader, access.read_content(id, keyring::Purpose::kAnalysis));
    CASEBOX_TRY(Analysis analysis, compute(*reader, id, options));
    CASEBOX_CHECK(write_changed(access, *reader, analysis, log));
    CASEBOX_CHECK(visit(analysis));
  }
  if (!log) return ok();
  CASEBOX_CHECK(log->sync());
  CASEBOX_TRY(const Drained drained, access.drain());
  if (drained.quarantined > 0)
    return Error{Code::kCorrupt, std::to_string(drained.quarantined) +
                                     " frames of the analysis could not be stored; run casebox "
                                     "verify"};
  return ok();
}

Result<Analysis> analyze_case(StoreAccess& access, CaseId id, const AnalysisOptions& options) {
  Analysis out;
  CASEBOX_CHECK(analyze_cases(access, {id}, options, [&](const Analysis& one) {
    out = one;
    return ok();
  }));
  return out;
}

Result<Analysis> analyze_closed(StoreAccess& access, CaseId id) {
  CASEBOX_TRY(auto reader, access.read_content(id, keyring::Purpose::kAnalysis));
  CASEBOX_CHECK(reader->readable());
  auto all = compute(*reader, id, {});
  if (!all && !of_content(all.error().code)) return std::move(all).error();
  Analysis out;
  if (all) {
    out = std::move(*all);
  } else {
    out.case_id = id;
    for (const std::string& job : jobs::names()) {
      AnalysisOptions one;
      one.jobs = {job};
      auto alone = compute(*reader, id, one);
      if (!alone && !of_content(alone.error().code)) return std::move(alone).error();
      if (alone) {
        std::ranges::move(alone->findings, std::back_inserter(out.findings));
        continue;
      }
      out.failed.emplace_back(job, alone.error().code);
      CASEBOX_TRY(auto said, failed_run(id, job, alone.error().code, reader->record()));
      out.findings.push_back(std::move(said));
    }
  }
  std::unique_ptr<log::Writer> log;
  CASEBOX_CHECK(write_changed(access, *reader, out, log));
  if (log) CASEBOX_CHECK(log->sync());
  return out;
}

Result<StoredFinding> find_finding(StoreAccess& access, const std::string& id,
                                   const std::string& case_text) {
  const bool hex = id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex || id.size() < 8 || id.size() > 64)
    return Error{Code::kInvalidArgument,
                 id + ": not a finding's id; give 64 hex digits or the first 8 or more of them"};
  std::vector<CaseId> cases;
  if (!case_text.empty()) {
    CASEBOX_TRY(const CaseId one, access.resolve_case(case_text, true));
    cases.push_back(one);
  } else {
    CASEBOX_TRY(const auto records, access.store().cases());
    for (const v1::CaseRecord& record : records) {
      CASEBOX_TRY(const CaseId one, id_from_bytes<CaseId>(record.case_id()));
      cases.push_back(one);
    }
  }
  std::map<std::string, StoredFinding> hits;
  uint64_t sealed = 0, refused = 0, closed_studies = 0;
  for (CaseId one : cases) {
    CASEBOX_TRY(auto reader, access.read_case(one, keyring::Purpose::kView));
    auto stored = read_findings(*reader);
    if (!stored && stored.error().code == Code::kRefused) {
      if (cases.size() == 1) return stored.error();
      ++refused;
      continue;
    }
    if (!stored &&
        (stored.error().code == Code::kDenied || stored.error().code == Code::kNotFound)) {
      ++sealed;
      continue;
    }
    if (!stored) return std::move(stored).error();
    const bool study = !storage::is_operation(reader->record());
    if (study) {
      CASEBOX_TRY(const size_t members, refused_members(access, stored->in_force));
      closed_studies += members > 0 ? 1 : 0;
      if (members > 0) continue;
    }
    for (const auto* list : {&stored->replaced, &stored->in_force})
      for (const v1::Finding& found : *list)
        if (to_hex(found.id()).starts_with(id))
          hits[found.id()] = {one, study, found, inputs_of(found, *stored),
                              list == &stored->in_force};
  }
  if (hits.empty() && refused + closed_studies > 0)
    return Error{Code::kRefused,
                 id + ": no finding of those that may be read; consent or access closes " +
                     std::to_string(refused) + (refused == 1 ? " case" : " cases") + " and " +
                     std::to_string(closed_studies) +
                     (closed_studies == 1 ? " study" : " studies") + " of the store"};
  if (hits.empty())
    return Error{Code::kNotFound, id + ": no finding of this store" +
                                      (sealed ? ", as far as its cases could be opened" : "") +
                                      "; casebox show CASE lists those of a case"};
  if (hits.size() > 1)
    return Error{Code::kInvalidArgument, id + ": several findings begin so; give more digits"};
  return hits.begin()->second;
}

}  // namespace casebox::tools
