#include "analytics/facts/case_parts.h"

#include <algorithm>

#include "analytics/device_clocks.h"
#include "analytics/finding/labels.h"
#include "analytics/names.h"

namespace casebox::analytics::facts {
namespace {

using finding::label_of;
using finding::value_of;

uint64_t count_of(const v1::Finding& finding, const char* key) {
  return static_cast<uint64_t>(value_of(finding, key).value_or(0));
}

ForecastFact forecast(const v1::Finding& finding) {
  ForecastFact out;
  out.finding_id = to_hex(finding.id());
  out.variable = label_of(finding, "variable");
  out.unit = label_of(finding, "unit");
  out.model = label_of(finding, "model");
  out.horizon_s = value_of(finding, "horizon_s").value_or(0);
  out.forecasts = count_of(finding, "forecasts");
  out.scored = count_of(finding, "scored");
  if (label_of(finding, "timing") == "withheld") {
    out.withheld = finding.text();
  } else {
    out.mae = value_of(finding, "mae");
    out.persistence_mae = value_of(finding, "persistence_mae");
    out.bias = value_of(finding, "bias");
    out.crps = value_of(finding, "crps");
    out.coverage90 = value_of(finding, "coverage90");
  }
  out.sources.assign(finding.sources().begin(), finding.sources().end());
  return out;
}

}  // namespace

Result<std::vector<ClockFact>> read_clocks(const storage::CaseReader& reader) {
  CASEBOX_TRY(const auto records, reader.clocks());
  std::map<uint32_t, double> bounds;
  std::map<uint32_t, std::pair<CaseTime, v1::SourceClock>> newest;
  for (const storage::ClockAt& at : records)
    for (const v1::SourceClock& source : at.record.sources()) {
      newest[source.clock_id()] = {at.t, source};
      if (source.broken()) continue;
      double& worst = bounds[source.clock_id()];
      worst = std::max(worst, seconds_of(source.u95_ns()));
    }
  std::vector<ClockFact> out;
  for (const analytics::DeviceClock& clock : analytics::device_clocks(records)) {
    ClockFact one;
    one.clock_id = clock.clock_id;
    one.broken = clock.broken;
    one.sets = clock.sets;
    if (const auto bound = bounds.find(clock.clock_id); bound != bounds.end() && !clock.broken)
      one.u95_s = bound->second;
    if (const auto last = newest.find(clock.clock_id); last != newest.end()) {
      one.t_s = last->second.first.seconds();
      one.offset_s = seconds_of(last->second.second.offset_ns());
      if (last->second.second.rate_ppm() != 0) one.rate_ppm = last->second.second.rate_ppm();
    }
    for (const v1::Stream& stream : reader.streams())
      if (stream.clock_id() == clock.clock_id) one.streams.push_back(stream.name());
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<GapFact>> read_gaps(const storage::CaseReader& reader) {
  std::map<uint32_t, std::string> names;
  for (const v1::Stream& stream : reader.streams()) names[stream.stream_id()] = stream.name();
  CASEBOX_TRY(const auto gaps, reader.gaps());
  std::vector<GapFact> out;
  for (const storage::GapAt& at : gaps) {
    GapFact one;
    const auto name = names.find(at.stream.value);
    one.stream = name == names.end() ? "stream-" + std::to_string(at.stream.value) : name->second;
    one.reason = at.gap.reason();
    one.origin = name_of(at.gap.origin());
    one.t0_s = seconds_of(at.gap.t_begin_ns());
    one.t1_s = seconds_of(at.gap.t_end_ns());
    if (!at.gap.count_unknown()) one.missing = at.gap.missing();
    one.source.set_epoch(at.epoch.value);
    one.source.set_stream_id(at.stream.value);
    one.source.set_stream(one.stream);
    one.source.set_first_number(at.first.value);
    one.source.set_last_number(at.first.value + std::max(1u, at.count) - 1);
    one.source.set_t0_ns(at.gap.t_begin_ns());
    one.source.set_t1_ns(at.gap.t_end_ns());
    out.push_back(std::move(one));
  }
  return out;
}

void read_consent(const storage::CaseReader& reader, CaseFacts& facts) {
  const access::Consent& consent = reader.consent();
  facts.consent_stated = consent.stated;
  for (const v1::ConsentScope scope : scopes_in_force(consent))
    facts.consent.insert(name_of(scope));
}

TwinFact read_twin(const std::vector<analytics::finding::Stored>& current) {
  TwinFact out;
  out.reason = "nobody has compared its forecasts (casebox analyze)";
  for (const auto& [finding, at] : current) {
    if (finding.run().job() != "twin") continue;
    if (finding.kind() == "twin") out.scores.push_back(forecast(finding));
    if (finding.kind() != analytics::finding::kRunKind) continue;
    out.known = label_of(finding, "outcome") == "ran";
    out.reason = label_of(finding, "reason");
    out.forecasts = count_of(finding, "forecasts");
    out.late = count_of(finding, "late_rejected");
    out.coverage90 = value_of(finding, "coverage90");
  }
  return out;
}

Result<void> read_vitals(const storage::CaseReader& reader, const Needs& needs, CaseFacts& facts) {
  facts.vital_names = vital_names(reader);
  std::set<std::string> channels = needs.vitals;
  if (needs.all_vitals) channels.insert(facts.vital_names.begin(), facts.vital_names.end());
  if (channels.empty()) return ok();
  std::vector<ValueSpan> spans;
  for (const PhaseFact& phase : facts.phases)
    spans.push_back({from_seconds(phase.t0_s).ns, from_seconds(phase.t1_s).ns});
  CASEBOX_TRY(auto read, read_vitals(reader, channels, spans));
  for (Vitals& of : read) {
    VitalFact one;
    one.stream = of.stream;
    one.channel = of.channel;
    one.unit = of.unit;
    const auto* watch = facts.coverage.find(of.stream);
    const auto put = [&](SpanValues& values, double t0_s, double t1_s) {
      one.t0_s = t0_s;
      one.t1_s = t1_s;
      one.values = std::move(values);
      one.whole = one.placed && one.values.missing == 0 && watch != nullptr &&
                  watch->covering(from_seconds(t0_s).ns, from_seconds(t1_s).ns - 1).empty();
      facts.vitals.push_back(one);
    };
    put(of.whole, facts.first_t_s, facts.end_s);
    for (size_t i = 0; i < facts.phases.size(); ++i) {
      one.phase = i;
      one.placed = of.placed && facts.phases[i].placed;
      put(of.within[i], facts.phases[i].t0_s, facts.phases[i].t1_s);
    }
  }
  return ok();
}

}  // namespace casebox::analytics::facts
