#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs::internal {
namespace {

conformance::Observability observability(const Work& work, const case_log::CaseLog& info) {
  conformance::Observability out;
  for (const case_log::Unobserved& span : info.unobserved) {
    if (!span.stream.empty()) {
      out.blind.push_back({span.stream, span.t0_ns, span.t1_ns, span.reason});
      continue;
    }
    for (const v1::Stream& stream : work.reader.streams())
      out.blind.push_back({stream.name(), span.t0_ns, span.t1_ns, span.reason});
  }
  out.absent = info.absent;
  for (const case_log::RecordedReason& reason : info.reasons)
    out.reasons.push_back({reason.step, reason.code, reason.t_ns});
  if (work.phases.info.phase_source == "found")
    for (const phases::Unfound& unfound : work.phases.found->unfound)
      out.unfound.push_back({unfound.label, unfound.probability});
  out.clocks_trusted = work.phases.quality.timing_ok();
  out.case_t0_ns = info.t0_ns;
  out.case_t1_ns = info.t1_ns;
  return out;
}

finding::Draft draft_of(const conformance::Departure& d, size_t index) {
  finding::Draft draft;
  draft.kind = "departure";
  draft.place = std::string(to_string(d.kind)) + "/" + d.step + "/" + std::to_string(index);
  draft.step = d.step;
  draft.t0_ns = d.t0_ns;
  draft.t1_ns = d.t1_ns;
  draft.certainty = d.certainty;
  draft.text = d.text;
  draft.labels = {{"deviation", to_string(d.kind)},
                  {"of", to_string(d.deviation)},
                  {"step", d.step},
                  {"title", d.title},
                  {"order_sensitive", d.order_sensitive ? "true" : "false"},
                  {"timing", d.timed ? "kept" : "withheld"}};
  const std::pair<const char*, const std::string*> optional[] = {
      {"activity", &d.activity}, {"check", &d.check}, {"reason", &d.reason}, {"value", &d.value}};
  for (const auto& [name, text] : optional)
    if (!text->empty()) draft.labels[name] = *text;
  draft.values = {{"severity", d.severity},
                  {"explanations", static_cast<double>(d.explanations.size())}};
  if (d.margin) draft.values["margin"] = static_cast<double>(*d.margin);
  if (d.done_unseen) {
    draft.values["done_unseen"] = *d.done_unseen;
    draft.labels["alternative"] =
        "A look at the recording between the times given, or any account of the step.";
  }
  if (d.excess_ns != 0) draft.values["excess_s"] = static_cast<double>(d.excess_ns) * 1e-9;
  return draft;
}

}  // namespace

Result<void> conformance_job(Work& work) {
  char config[64];
  std::snprintf(config, sizeof config, "order=start limit_scale=%.6g", work.time_scale);
  Run run(work, "conformance", "2", config);
  if (work.options.norm == nullptr) return run.skip("no norm was given");
  const protocol::Norm& norm = *work.options.norm;
  run.record().set_protocol(norm.name());
  run.record().set_protocol_sha256(Bytes(view(work.options.norm_sha256)));
  if (!norm.source.procedure().empty() &&
      norm.source.procedure() != work.reader.record().procedure())
    return run.skip("the norm is for procedure '" + norm.source.procedure() + "'");
  // Phases as timing has them, and the steps people marked; phase marks of the team only where
  // nothing better is there.
  case_log::Options what;
  what.steps = true;
  what.checklists = false;
  for (const LogEvent& event : work.trace().events)
    if (work.phases.info.phase_source == "found")
      what.found.push_back({work.outcome.log.activities[event.activity], event.t0_ns, event.t1_ns,
                            event.u95_ns, event.sources});
  EventLog log;
  CASEBOX_TRY(const case_log::CaseLog info, case_log::add_case(work.reader, what, log));
  conformance::Options options;
  options.limit_scale = work.time_scale;
  CASEBOX_TRY(auto result, conformance::conform(norm, log, log.traces[info.trace],
                                                observability(work, info), options));
  size_t index = 0;
  for (const conformance::Departure& departure : result.departures) {
    std::vector<storage::SourceRef> frames = frames_of(departure.sources);
    // A missing step rests on what was recorded around the place where it should have been.
    if (frames.empty() && departure.event)
      frames = frames_of(log.traces[info.trace].events[*departure.event].sources);
    if (frames.empty())
      for (const LogEvent& event : log.traces[info.trace].events)
        if (event.t1_ns >= departure.t0_ns && event.t0_ns <= departure.t1_ns)
          for (const auto& ref : frames_of(event.sources)) frames.push_back(ref);
    for (const case_log::RecordedReason& reason : info.reasons)
      if (!departure.reason.empty() &&
          (reason.step == departure.step || reason.step == departure.activity))
        for (const auto& ref : frames_of({reason.source})) frames.push_back(ref);
    CASEBOX_CHECK(run.emit(draft_of(departure, index++), std::move(frames)));
  }
  std::map<std::string, double> values = {{"cost", static_cast<double>(result.cost)},
                                          {"lower_bound", static_cast<double>(result.lower_bound)},
                                          {"scored_cost", static_cast<double>(result.scored_cost)},
                                          {"fitness", result.fitness()},
                                          {"certain", result.count(v1::CERTAINTY_CERTAIN)},
                                          {"ambiguous", result.count(v1::CERTAINTY_AMBIGUOUS)},
                                          {"unobserved", result.count(v1::CERTAINTY_UNOBSERVED)},
                                          {"justified", result.count(v1::CERTAINTY_JUSTIFIED)}};
  work.outcome.conformance = std::move(result);
  return run.finish(std::move(values));
}

}  // namespace casebox::analytics::jobs::internal
