#include "tools/analysis.h"

#include <algorithm>
#include <map>

#include "analytics/finding/finding.h"
#include "proto/base/file.h"
#include "tools/json.h"
#include "tools/norms.h"

namespace casebox::tools {
namespace {

namespace finding = analytics::finding;
namespace jobs = analytics::jobs;

/// Which program this is: its version and the digest of its own file.
Result<jobs::Program> this_program() {
  static const Result<jobs::Program> kProgram = []() -> Result<jobs::Program> {
    CASEBOX_TRY(const Bytes bytes, read_file("/proc/self/exe", size_t{2} << 30));
    return jobs::Program{program_version(), Bytes(view(seal::sha256(bytes)))};
  }();
  return kProgram;
}

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

Result<std::vector<finding::Stored>> in_force(const storage::CaseReader& reader) {
  CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  return finding::current(reader.record(), events);
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
  return out;
}

/// Jobs whose findings are not those in force, be it in one of them.
std::vector<std::string> changed_jobs(const std::vector<v1::Finding>& found,
                                      const std::vector<finding::Stored>& stored) {
  std::map<std::string, std::map<std::string, const v1::Finding*>> before, now;
  for (const finding::Stored& one : stored)
    before[one.finding.run().job()][one.finding.id()] = &one.finding;
  for (const v1::Finding& one : found) now[one.run().job()][one.id()] = &one;
  std::vector<std::string> out;
  for (const auto& [job, findings] : now) {
    const auto& old = before[job];
    const bool same =
        old.size() == findings.size() && std::ranges::all_of(findings, [&](const auto& entry) {
          const auto it = old.find(entry.first);
          return it != old.end() && finding::differences(*it->second, *entry.second, false).empty();
        });
    if (!same) out.push_back(job);
  }
  return out;
}

Result<void> write(StoreAccess& access, log::Writer& log, const Analysis& analysis,
                   const v1::CaseRecord& record) {
  CASEBOX_TRY(auto producer,
              access.begin_derived(log, "analysis", analysis.case_id, v1::PRODUCER_ROLE_ANALYSIS));
  v1::Stream stream;
  stream.set_name(finding::kStream);
  stream.set_kind(v1::STREAM_KIND_FINDING);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.mutable_tick_rate_hz()->set_den(1);
  stream.set_device("analysis");
  stream.set_source_time_unit("ns");
  CASEBOX_TRY(const StreamId id, producer->add_stream(stream));
  std::vector<const v1::Finding*> pending;
  size_t bytes = 0;
  const auto flush = [&]() -> Result<void> {
    if (pending.empty()) return ok();
    producer::Data data;
    data.stream = id;
    data.t = CaseTime{(*std::ranges::min_element(pending, {}, &v1::Finding::t0_ns))->t0_ns()};
    data.t_capture = access.clock().mono();
    data.count = static_cast<uint32_t>(pending.size());
    v1::EventBatch batch;
    for (const v1::Finding* one : pending) {
      v1::Event& event = *batch.add_events();
      event.set_dt_ns(one->t0_ns() - data.t.ns);
      *event.mutable_finding() = *one;
    }
    pending.clear();
    bytes = 0;
    CASEBOX_CHECK(producer->append(data, batch));
    return ok();
  };
  for (const v1::Finding& one : analysis.findings) {
    if (std::ranges::find(analysis.written, one.run().job()) == analysis.written.end()) continue;
    if (bytes + one.ByteSizeLong() > frame::kTargetBody / 2) CASEBOX_CHECK(flush());
    bytes += one.ByteSizeLong();
    pending.push_back(&one);
  }
  CASEBOX_CHECK(flush());
  return producer->close(CaseTime{record.last_t_ns()});
}

}  // namespace

Result<Analysis> compute_analysis(StoreAccess& access, CaseId id, const AnalysisOptions& options) {
  CASEBOX_TRY(auto reader, storage::CaseReader::open(access.store(), id, access.keyring(),
                                                     keyring::Purpose::kAnalysis));
  return compute(*reader, id, options);
}

Result<void> analyze_cases(StoreAccess& access, const std::vector<CaseId>& ids,
                           const AnalysisOptions& options,
                           const std::function<Result<void>(const Analysis&)>& visit) {
  std::unique_ptr<log::Writer> log;
  std::vector<Analysis> results;
  for (CaseId id : ids) {
    CASEBOX_TRY(auto reader, storage::CaseReader::open(access.store(), id, access.keyring(),
                                                       keyring::Purpose::kAnalysis));
    CASEBOX_TRY(Analysis analysis, compute(*reader, id, options));
    CASEBOX_TRY(const auto stored, in_force(*reader));
    analysis.written = changed_jobs(analysis.findings, stored);
    if (!analysis.written.empty()) {
      if (!log) {
        CASEBOX_TRY(log, access.open_log("analysis"));
      }
      CASEBOX_CHECK(write(access, *log, analysis, reader->record()));
    }
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

Result<StoredFinding> find_finding(StoreAccess& access, const std::string& id,
                                   const std::string& case_text) {
  const bool hex = id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex || id.size() < 8 || id.size() > 64)
    return Error{Code::kInvalidArgument,
                 id + ": not a finding's id; give 64 hex digits or the first 8 or more of them"};
  std::vector<CaseId> cases;
  if (!case_text.empty()) {
    CASEBOX_TRY(const CaseId one, access.resolve_case(case_text));
    cases.push_back(one);
  } else {
    CASEBOX_TRY(const auto records, access.store().cases());
    for (const v1::CaseRecord& record : records) {
      CASEBOX_TRY(const CaseId one, id_from_bytes<CaseId>(record.case_id()));
      cases.push_back(one);
    }
  }
  std::map<std::string, StoredFinding> hits;
  uint64_t sealed = 0;
  for (CaseId one : cases) {
    CASEBOX_TRY(auto reader, storage::CaseReader::open(access.store(), one, access.keyring(),
                                                       keyring::Purpose::kView));
    auto events = reader->events(v1::STREAM_KIND_FINDING, {}, true);
    if (!events &&
        (events.error().code == Code::kDenied || events.error().code == Code::kNotFound)) {
      ++sealed;
      continue;
    }
    if (!events) return std::move(events).error();
    for (const storage::EventAt& at : *events)
      if (at.event.has_finding() && to_hex(at.event.finding().id()).starts_with(id))
        hits[at.event.finding().id()] = {one, at.event.finding(), false};
    for (const finding::Stored& stored : finding::current(reader->record(), *events))
      if (auto it = hits.find(stored.finding.id()); it != hits.end())
        it->second = {one, stored.finding, true};
  }
  if (hits.empty())
    return Error{Code::kNotFound, id + ": no finding of this store" +
                                      (sealed ? ", as far as its cases could be opened" : "") +
                                      "; casebox show CASE lists those of a case"};
  if (hits.size() > 1)
    return Error{Code::kInvalidArgument, id + ": several findings begin so; give more digits"};
  return hits.begin()->second;
}

}  // namespace casebox::tools
