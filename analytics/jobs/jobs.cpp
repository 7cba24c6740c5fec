#include "analytics/jobs/jobs.h"

#include <algorithm>

#include "analytics/facts/phases.h"
#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs {
namespace {

/// Streams that the search for phases cannot do without.
std::set<std::string> streams_of(const phases::Signals& signals,
                                 const storage::CaseReader& reader) {
  std::set<std::pair<uint64_t, uint32_t>> used;
  // The pump says again what the irrigator says: it is missed only where nothing else says it.
  const bool irrigator = !signals.of(phases::Signal::kIrrigator).changes.empty();
  for (size_t i = 0; i < phases::kSignals; ++i) {
    if (irrigator && static_cast<phases::Signal>(i) == phases::Signal::kPump) continue;
    for (const phases::Change& change : signals.tracks[i].changes)
      used.insert({change.source.epoch.value, change.source.stream.value});
  }
  std::set<std::string> out;
  for (const v1::StreamRecord& record : reader.record().streams())
    if (used.contains({record.epoch(), record.stream().stream_id()}))
      out.insert(record.stream().name());
  return out;
}

v1::SourceRange range_of(const storage::SourceRef& ref) {
  v1::SourceRange range;
  range.set_epoch(ref.epoch.value);
  range.set_stream_id(ref.stream.value);
  range.set_first_number(ref.first.value);
  range.set_last_number(ref.first.value + std::max<uint32_t>(1, ref.count) - 1);
  return range;
}

quality::Options gate_options(const std::string& phase_source) {
  quality::Options options;
  if (phase_source == "found")
    for (const phases::State& state : phases::cholecystectomy().states)
      if (!state.label.empty()) options.labels.insert(state.label);
  return options;
}

struct Searched {
  phases::Signals signals;
  std::optional<phases::Decoded> decoded;
  std::string why_not;
};

Result<Searched> search(const storage::CaseReader& reader, double time_scale) {
  Searched out;
  const phases::Model& model = phases::cholecystectomy();
  if (reader.record().procedure() != model.procedure) {
    out.why_not = "phases of procedure '" + reader.record().procedure() + "' are not modelled";
    return out;
  }
  CASEBOX_TRY(out.signals, phases::read_signals(reader));
  phases::DecodeOptions options;
  options.time_scale = time_scale;
  auto decoded = phases::decode(out.signals, model, options);
  if (decoded) {
    out.decoded = std::move(*decoded);
  } else if (decoded.error().code == Code::kInvalidArgument) {
    out.why_not = decoded.error().message;
  } else {
    return decoded.error();
  }
  return out;
}

Result<PhasesOfCase> assemble(const storage::CaseReader& reader, const Searched& searched,
                              EventLog& log) {
  PhasesOfCase out;
  case_log::Options options;
  if (searched.decoded) {
    for (const phases::FoundPhase& phase : searched.decoded->phases) {
      case_log::FoundPhase found{phase.label,
                                 from_seconds(phase.start.t_s).ns,
                                 from_seconds(phase.end.t_s).ns,
                                 from_seconds(phase.start.u95_s()).ns,
                                 from_seconds(phase.end.u95_s()).ns,
                                 {}};
      for (double t : {phase.start.t_s, phase.end.t_s})
        for (const auto& ref : phases::frames_near(searched.signals, t))
          found.sources.push_back(range_of(ref));
      options.found.push_back(std::move(found));
    }
  }
  CASEBOX_TRY(out.info, case_log::add_case(reader, options, log));
  out.found = searched.decoded;
  std::set<std::string> needed = facts::streams_of_people(reader, out.info.phase_source);
  if (out.info.phase_source == "found") {
    needed.merge(streams_of(searched.signals, reader));
    needed.insert(searched.signals.unusable.begin(), searched.signals.unusable.end());
  }
  CASEBOX_TRY(quality::Facts facts, quality::read_facts(reader, needed));
  facts.t1_ns = std::max(facts.t1_ns, out.info.t1_ns);
  out.quality =
      quality::check(log, log.traces[out.info.trace], facts, gate_options(out.info.phase_source));
  return out;
}

/// What every job builds on: the search for phases, unless nobody looks, and the quality gate.
Result<void> begin(internal::Work& work, bool look = true) {
  CASEBOX_TRY(work.case_id, id_from_bytes<CaseId>(work.reader.record().case_id()));
  work.time_scale = declared_time_scale(work.reader);
  Searched searched;
  if (look) {
    CASEBOX_TRY(searched, search(work.reader, work.time_scale));
  }
  CASEBOX_TRY(work.phases, assemble(work.reader, searched, work.outcome.log));
  work.signals = std::move(searched.signals);
  work.no_phases = searched.why_not;
  return ok();
}

}  // namespace

const std::vector<std::string>& names() {
  static const std::vector<std::string> kNames = {"quality", "phases", "timing", "conformance",
                                                  "twin"};
  return kNames;
}

std::set<std::string> with_needed(std::set<std::string> jobs) {
  if (jobs.contains("timing") || jobs.contains("conformance")) jobs.insert("phases");
  if (jobs.contains("phases")) jobs.insert("quality");
  return jobs;
}

double declared_time_scale(const storage::CaseReader& reader) {
  const auto opening = reader.opening();
  if (!opening) return 1;
  for (const v1::SourceConfig& source : opening->config().sources())
    if (source.type() == "simulator" && source.simulator().duration_scale() > 0)
      return source.simulator().duration_scale();
  return 1;
}

Result<Outcome> run_jobs(const storage::CaseReader& reader, const Options& options,
                         const Sink& sink) {
  for (const std::string& job : options.only)
    if (std::ranges::find(names(), job) == names().end())
      return Error{Code::kInvalidArgument, "no job is called '" + job + "'"};
  internal::Work work(reader, options, sink);
  CASEBOX_CHECK(begin(work));
  work.outcome.phases = work.phases.found;
  work.outcome.quality = work.phases.quality;
  work.outcome.phase_source = work.phases.info.phase_source;
  const std::pair<const char*, Result<void> (*)(internal::Work&)> all[] = {
      {"quality", internal::quality_job},
      {"phases", internal::phases_job},
      {"timing", internal::timing_job},
      {"conformance", internal::conformance_job},
      {"twin", internal::twin_job}};
  for (const auto& [job, run] : all)
    if (options.only.empty() || with_needed(options.only).contains(job)) CASEBOX_CHECK(run(work));
  return std::move(work.outcome);
}

Result<ForConformance> for_conformance(const storage::CaseReader& reader) {
  const Options options;
  const Sink none = [](const v1::Finding&) { return ok(); };
  internal::Work work(reader, options, none);
  // The phases are those that every door gives: found ones only where an analysis has found them.
  CASEBOX_TRY(const auto findings, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  CASEBOX_TRY(const auto stored, facts::read_phases(reader, findings));
  CASEBOX_CHECK(begin(work, stored.source == facts::PhaseSource::kFound));
  return internal::gather_for_conformance(work);
}

}  // namespace casebox::analytics::jobs
