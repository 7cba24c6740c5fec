#include "analytics/facts/phases.h"

#include <algorithm>

#include "analytics/case_log/case_log.h"
#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"

namespace casebox::analytics::facts {
namespace {

std::optional<int64_t> bound_of(uint32_t u95_us) {
  if (u95_us == frame::kUnknownU95) return std::nullopt;
  return int64_t{u95_us} * 1000;
}

std::optional<Sides> around(int64_t t_ns, std::optional<int64_t> u95_ns) {
  if (!u95_ns) return std::nullopt;
  return Sides{t_ns - *u95_ns, t_ns + *u95_ns};
}

Phase annotated(const storage::EventAt& at, int64_t end_ns) {
  const v1::Interval& interval = at.event.interval();
  Phase out;
  out.label = interval.label();
  out.level = interval.level();
  out.origin = interval.origin();
  out.by = interval.annotator();
  out.t0_ns = at.t.ns;
  out.open = interval.duration_ns() < 0;
  out.t1_ns = out.open ? std::max(end_ns, at.t.ns) : at.t.ns + interval.duration_ns();
  out.start = around(out.t0_ns, bound_of(at.u95_us));
  out.end = around(out.t1_ns, bound_of(at.u95_us));
  out.sources.push_back(own_source(at));
  return out;
}

Phase found(const storage::EventAt& at) {
  const v1::Finding& finding = at.event.finding();
  const auto value = [&](const char* key) -> std::optional<double> {
    const auto found = finding.values().find(key);
    if (found == finding.values().end()) return std::nullopt;
    return found->second;
  };
  const auto ns = [&](const char* key, int64_t otherwise) {
    const auto seconds = value(key);
    return seconds ? from_seconds(*seconds).ns : otherwise;
  };
  Phase out;
  out.label = finding::label_of(finding, "phase");
  out.origin = v1::Interval::ORIGIN_ALGORITHM;
  out.by = finding.run().job();
  out.t0_ns = ns("start_s", finding.t0_ns());
  out.t1_ns = ns("end_s", finding.t1_ns());
  const auto sides = [&](const char* low, const char* high) -> std::optional<Sides> {
    if (!value(low) || !value(high)) return std::nullopt;
    return Sides{from_seconds(*value(low)).ns, from_seconds(*value(high)).ns};
  };
  out.start = sides("start_low_s", "start_high_s");
  out.end = sides("end_low_s", "end_high_s");
  out.finding_id = to_hex(finding.id());
  out.sources.assign(finding.sources().begin(), finding.sources().end());
  if (out.sources.empty()) out.sources.push_back(own_source(at));
  return out;
}

Phase marked(const EventLog& log, const LogEvent& event) {
  Phase out;
  out.label = log.activities[event.activity];
  out.by = event.resource;
  out.t0_ns = event.t0_ns;
  out.t1_ns = event.t1_ns;
  if (event.timed && event.u95_ns >= 0) {
    out.start = around(out.t0_ns, event.u95_ns);
    out.end = around(out.t1_ns, event.u95_ns);
  }
  out.open = event.open;
  out.sources = event.sources;
  return out;
}

/// One bound for both sides, as a log has it; -1: none is known.
int64_t farther(int64_t t_ns, const std::optional<Sides>& sides) {
  return sides ? std::max(t_ns - sides->low_ns, sides->high_ns - t_ns) : -1;
}

case_log::FoundPhase in_log(const Phase& phase) {
  return {phase.label,
          phase.t0_ns,
          phase.t1_ns,
          farther(phase.t0_ns, phase.start),
          farther(phase.t1_ns, phase.end),
          phase.sources};
}

/// What the quality job found, which ran with the search for phases.
quality::Verdict stored_quality(const v1::CaseRecord& record,
                                const std::vector<finding::Stored>& current) {
  quality::Verdict out;
  bool ran = false;
  for (const finding::Stored& one : current) {
    if (one.finding.run().job() != "quality") continue;
    if (one.finding.kind() == finding::kRunKind)
      ran = finding::label_of(one.finding, "outcome") == "ran";
    if (one.finding.kind() != "quality") continue;
    quality::Issue& issue = out.issues.emplace_back();
    issue.code = finding::label_of(one.finding, "code");
    issue.what = finding::label_of(one.finding, "about");
    issue.withholds = finding::label_of(one.finding, "timing") == "withheld";
    issue.text = one.finding.text();
    if (issue.text.ends_with(quality::kWithheldTail))
      issue.text.resize(issue.text.size() - quality::kWithheldTail.size());
    issue.t0_ns = one.finding.t0_ns();
    issue.t1_ns = one.finding.t1_ns();
  }
  if (!ran)
    out.issues.push_back({"not-checked",
                          true,
                          "",
                          "its quality was not checked (casebox analyze)",
                          record.first_t_ns(),
                          record.last_t_ns(),
                          {}});
  return out;
}

}  // namespace

v1::SourceRange own_source(const storage::EventAt& at) {
  v1::SourceRange range;
  range.set_epoch(at.source.epoch.value);
  range.set_stream_id(at.source.stream.value);
  range.set_first_number(at.number.value);
  range.set_last_number(at.number.value);
  range.set_t0_ns(at.t.ns);
  range.set_t1_ns(at.t.ns);
  return range;
}

const char* to_string(PhaseSource source) {
  switch (source) {
    case PhaseSource::kNone: return "";
    case PhaseSource::kAnnotated: return "annotated";
    case PhaseSource::kFound: return "found";
    case PhaseSource::kMarked: return "marked";
  }
  return "";
}

int64_t end_of(const v1::CaseRecord& record) {
  int64_t end = record.last_t_ns();
  for (const v1::EpochRecord& epoch : record.epochs())
    if (epoch.role() == v1::PRODUCER_ROLE_IMPORT && epoch.closed())
      end = std::max(end, epoch.close().end_t_ns());
  return end;
}

double duration_s(const v1::CaseRecord& record, int64_t end_ns) {
  return std::max(0.0, static_cast<double>(end_ns - record.first_t_ns()) * 1e-9);
}

Result<int64_t> end_of(const storage::CaseReader& reader) {
  int64_t end = end_of(reader.record());
  if (!reader.readable()) return end;
  CASEBOX_TRY(const auto labels, reader.events(v1::STREAM_KIND_PHASE));
  for (const storage::EventAt& at : labels)
    if (at.event.has_interval())
      end = std::max(end, at.t.ns + std::max<int64_t>(0, at.event.interval().duration_ns()));
  return end;
}

std::set<std::string> streams_of_people(const storage::CaseReader& reader,
                                        const std::string& phase_source) {
  const v1::StreamKind kind = phase_source == "annotated" ? v1::STREAM_KIND_PHASE
                              : phase_source == "marked"  ? v1::STREAM_KIND_TEAM
                                                          : v1::STREAM_KIND_UNSPECIFIED;
  std::set<std::string> out;
  for (const v1::Stream& stream : reader.streams())
    if (kind != v1::STREAM_KIND_UNSPECIFIED && stream.kind() == kind) out.insert(stream.name());
  return out;
}

Result<Phases> read_phases(const storage::CaseReader& reader, EventLog& log) {
  CASEBOX_TRY(const auto findings, reader.events(v1::STREAM_KIND_FINDING, {}, true));
  return read_phases(reader, findings, log);
}

Result<Phases> read_phases(const storage::CaseReader& reader,
                           const std::vector<storage::EventAt>& findings) {
  EventLog log;
  return read_phases(reader, findings, log);
}

Result<Phases> read_phases(const storage::CaseReader& reader,
                           const std::vector<storage::EventAt>& findings, EventLog& log) {
  Phases out;
  case_log::Options options;
  std::vector<Phase> all_found;
  const auto current = finding::current(reader.record(), findings);
  for (const auto& [finding, at] : current) {
    if (finding.kind() == finding::kRunKind && finding.run().job() == "phases" &&
        finding::label_of(finding, "outcome") == "ran")
      out.known = true;
    if (finding.kind() != "phase") continue;
    all_found.push_back(found(at));
    options.found.push_back(in_log(all_found.back()));
  }
  CASEBOX_TRY(const case_log::CaseLog info, case_log::add_case(reader, options, log));
  const Trace& trace = log.traces[info.trace];
  if (info.phase_source == "annotated") {
    out.source = PhaseSource::kAnnotated;
    CASEBOX_TRY(const int64_t end, end_of(reader));
    CASEBOX_TRY(const auto labels, reader.events(v1::STREAM_KIND_PHASE));
    for (const storage::EventAt& at : labels)
      if (at.event.has_interval()) out.all.push_back(annotated(at, end));
  } else if (info.phase_source == "found") {
    out.source = PhaseSource::kFound;
    out.all = std::move(all_found);
  } else if (!trace.events.empty()) {
    out.source = PhaseSource::kMarked;
    for (const LogEvent& event : trace.events) out.all.push_back(marked(log, event));
  }
  out.known = out.known || out.source != PhaseSource::kNone;
  std::ranges::stable_sort(out.all, {},
                           [](const Phase& phase) { return std::pair(phase.t0_ns, phase.level); });
  if (out.source == PhaseSource::kFound) {
    out.quality = stored_quality(reader.record(), current);
    return out;
  }
  CASEBOX_TRY(quality::Facts known,
              quality::read_facts(reader, streams_of_people(reader, info.phase_source)));
  known.t1_ns = std::max(known.t1_ns, info.t1_ns);
  out.quality = quality::check(log, trace, known, {});
  return out;
}

}  // namespace casebox::analytics::facts
