#include "analytics/conformance/labels.h"
#include "analytics/conformance/tally_text.h"
#include "analytics/facts/coverage.h"
#include "analytics/jobs/internal/work.h"

namespace casebox::analytics::jobs::internal {
namespace {

conformance::Observability observability(const Work& work, const case_log::CaseLog& info,
                                         const facts::Coverage& coverage) {
  conformance::Observability out;
  out.observers.emplace();
  for (const facts::Watch& watch : coverage.streams) {
    conformance::Observer& observer = out.observers->emplace_back();
    observer.stream = watch.stream;
    observer.people = watch.people;
    observer.gave = watch.items > 0;
    for (const facts::Lapse& lapse : watch.lapses)
      observer.lapses.push_back({lapse.t0_ns, lapse.t1_ns, lapse.why});
  }
  out.holds_beginning = coverage.holds_beginning;
  out.holds_end = coverage.holds_end;
  for (const case_log::RecordedReason& reason : info.reasons)
    out.reasons.push_back({reason.step, reason.code, reason.t_ns});
  if (work.phases.info.phase_source == "found")
    for (const phases::Unfound& unfound : work.phases.found->unfound)
      out.unfound.push_back({unfound.label, unfound.probability, unfound.sure});
  out.clocks_trusted = work.phases.quality.timing_ok();
  out.case_t0_ns = info.t0_ns;
  out.case_t1_ns = info.t1_ns;
  out.limit_scale = work.time_scale;
  return out;
}

/// The frames of a stream of events that lie in a span, and those next to it on both sides.
Result<std::vector<storage::SourceRef>> frames_of_observer(const storage::CaseReader& reader,
                                                           const std::string& stream, int64_t t0_ns,
                                                           int64_t t1_ns) {
  CASEBOX_TRY(const auto events, reader.events_of(stream));
  std::vector<storage::SourceRef> out;
  const storage::EventAt *before = nullptr, *after = nullptr;
  for (const storage::EventAt& at : events) {
    if (at.t.ns < t0_ns) {
      before = &at;
    } else if (at.t.ns <= t1_ns) {
      out.push_back(at.source);
    } else if (after == nullptr) {
      after = &at;
    }
  }
  if (before != nullptr) out.push_back(before->source);
  if (after != nullptr) out.push_back(after->source);
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
  if (!d.observers.empty()) {
    draft.labels["shown_by"] = to_string(d.shown_by);
    std::string& names = draft.labels["observers"];
    for (const std::string& name : d.observers) names += (names.empty() ? "" : " ") + name;
  }
  if (!d.unwatched.empty()) draft.labels["unwatched"] = d.unwatched;
  if (d.done_unseen) {
    draft.values["done_unseen"] = *d.done_unseen;
    draft.labels["alternative"] =
        "A look at the recording between the times given, or any account of the step.";
  }
  if (d.excess_ns != 0) draft.values["excess_s"] = static_cast<double>(d.excess_ns) * 1e-9;
  return draft;
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string range_text(const conformance::Range& range) {
  const std::string least = number_text(range.least), most = number_text(range.most);
  return least == most ? least : least + " to " + most;
}

/// What the case's departures weigh; with labels from which a cohort is weighed again.
finding::Draft weights_draft(const protocol::Norm& norm, const conformance::CaseResult& result) {
  const conformance::Values values = conformance::values_of(norm);
  const conformance::Tally tally = conformance::tally(norm, result);
  const conformance::WeightOptions options;
  const conformance::Weighing weighing = conformance::weigh(values, {&tally, 1}, options);
  finding::Draft draft;
  draft.kind = "weights";
  draft.place = "weights";
  draft.labels = {{"value_weights", conformance::values_text(values)},
                  {"tally", conformance::tally_text(tally)}};
  draft.values = {{"draws", options.draws}, {"seed", static_cast<double>(options.seed)}};
  if (tally.judged) {
    draft.values["scored"] = tally.scored;
    draft.values["without_value"] = tally.without_value;
  }
  if (!weighing.reason.empty()) {
    draft.text = "Departures are not weighed: " + weighing.reason + ".";
    return draft;
  }
  const conformance::WeighedCase& weighed = weighing.cases.front();
  draft.values["declared_least"] = weighed.declared.least;
  draft.values["declared_most"] = weighed.declared.most;
  draft.values["equal_least"] = weighed.equal.least;
  draft.values["equal_most"] = weighed.equal.most;
  draft.values["random_median"] = weighed.random.median;
  draft.values["random_low"] = weighed.random.low;
  draft.values["random_high"] = weighed.random.high;
  if (tally.scored == 0) {
    draft.text = "No departure of this case is scored, so nothing weighs, whatever the weights.";
    return draft;
  }
  draft.text = "Departures weigh " + range_text(weighed.declared) + " by the norm's own weights, " +
               range_text(weighed.equal) + " if all values count the same, and " +
               number_text(weighed.random.low) + " to " + number_text(weighed.random.high) +
               " under other weights in the norm's order (1 is one departure from a value of "
               "average weight)";
  if (tally.without_value > 0)
    draft.text += "; " + std::to_string(tally.without_value) + " of " +
                  std::to_string(tally.scored) + " touch no value and are not weighed";
  if (!tally.listed) draft.text += "; bounds, as not all explanations are listed";
  draft.text += ".";
  return draft;
}

}  // namespace

Result<ForConformance> gather_for_conformance(const Work& work) {
  // Phases as timing has them, and the steps people marked; phase marks of the team only where
  // nothing better is there.
  ForConformance out;
  case_log::Options what;
  what.steps = true;
  what.checklists = false;
  out.placed = work.phases.quality.moment_reasons().empty();
  for (const LogEvent& event : work.trace().events)
    if (work.phases.info.phase_source == "found")
      what.found.push_back({work.outcome.log.activities[event.activity], event.t0_ns, event.t1_ns,
                            out.placed ? event.start_u95_ns() : -1,
                            out.placed ? event.end_u95_ns() : -1, event.sources, out.placed});
  CASEBOX_TRY(out.info, case_log::add_case(work.reader, what, out.log));
  CASEBOX_TRY(const facts::Coverage coverage, facts::read_coverage(work.reader));
  out.recorded.procedure = work.reader.record().procedure();
  out.recorded.seen = observability(work, out.info, coverage);
  return out;
}

Result<void> conformance_job(Work& work) {
  char config[64];
  std::snprintf(config, sizeof config, "order=start limit_scale=%.6g", work.time_scale);
  Run run(work, "conformance", "5", config);
  if (work.options.norm == nullptr) return run.skip("no norm was given");
  const protocol::Norm& norm = *work.options.norm;
  run.record().set_protocol(norm.name());
  run.record().set_protocol_sha256(Bytes(view(work.options.norm_sha256)));
  if (!norm.source.procedure().empty() &&
      norm.source.procedure() != work.reader.record().procedure())
    return run.skip("the norm is for procedure '" + norm.source.procedure() + "'");
  CASEBOX_TRY(ForConformance compared, gather_for_conformance(work));
  EventLog& log = compared.log;
  const case_log::CaseLog& info = compared.info;
  const auto taken = conformance::take_labels(norm, log);
  if (std::string why = conformance::nothing_shared(
          norm, log, log.traces[info.trace], compared.recorded.procedure, compared.recorded.seen);
      !why.empty())
    return run.skip(why);
  CASEBOX_TRY(auto result,
              conformance::conform(norm, log, log.traces[info.trace], compared.recorded.seen, {}));
  for (const auto& [label, meant] : taken) {
    finding::Draft draft;
    draft.kind = "label";
    draft.place = "label/" + label;
    draft.step = meant;
    draft.t0_ns = info.t0_ns;
    draft.t1_ns = info.t1_ns;
    draft.text = "The label '" + label + "' is taken for the norm's '" + meant + "'.";
    std::vector<storage::SourceRef> frames;
    for (const LogEvent& event : log.traces[info.trace].events)
      if (log.activities[event.activity] == meant)
        for (const auto& ref : frames_of(event.sources)) frames.push_back(ref);
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(frames)));
  }
  size_t index = 0;
  std::vector<storage::SourceRef> all_frames;
  for (const conformance::Departure& departure : result.departures) {
    std::vector<storage::SourceRef> frames = frames_of(departure.sources);
    // A missing step rests on what could have shown it, and on what was recorded around its place.
    for (const std::string& observer : departure.observers) {
      CASEBOX_TRY(auto seen,
                  frames_of_observer(work.reader, observer, departure.t0_ns, departure.t1_ns));
      frames.insert(frames.end(), seen.begin(), seen.end());
    }
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
    all_frames.insert(all_frames.end(), frames.begin(), frames.end());
    finding::Draft draft = draft_of(departure, index++);
    if (!departure.timed) {
      draft.t0_ns = info.t0_ns;
      draft.t1_ns = info.t1_ns;
      draft.labels[finding::kMoments] = finding::kWithheld;
    }
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(frames)));
  }
  if (!norm.source.values().empty()) {
    // Without a departure it rests on everything that was compared.
    if (all_frames.empty())
      for (const LogEvent& event : log.traces[info.trace].events)
        for (const auto& ref : frames_of(event.sources)) all_frames.push_back(ref);
    finding::Draft draft = weights_draft(norm, result);
    draft.t0_ns = work.reader.record().first_t_ns();
    draft.t1_ns = work.reader.record().last_t_ns();
    CASEBOX_CHECK(run.emit(std::move(draft), std::move(all_frames)));
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
