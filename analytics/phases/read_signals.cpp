#include <map>
#include <set>

#include "analytics/device_clocks.h"
#include "analytics/phases/signals.h"

namespace casebox::analytics::phases {
namespace {

/// A signal of a sampled stream: on when one of these channels is above zero.
struct Sampled {
  const char* device;
  Signal signal;
  std::vector<const char*> channels;
};

const std::vector<Sampled>& sampled() {
  static const std::vector<Sampled> kAll = {
      {"electrosurgical-unit", Signal::kEnergy, {"CUT", "COAG"}},
      {"pump", Signal::kPump, {"MODE"}},
      {"insufflator", Signal::kInsufflation, {"P_TARGET"}},
      {"light-source", Signal::kLight, {"ON"}},
  };
  return kAll;
}

// Two channels of one signal are read one after the other; the signal is on while any of them is.
Result<void> read_sampled(const storage::CaseReader& reader, const v1::Stream& stream,
                          const Sampled& spec, SignalsBuilder& builder) {
  std::map<int64_t, std::pair<int, Change>> edges;  // time -> channels on minus channels off
  for (const char* channel : spec.channels) {
    bool on = false;
    CASEBOX_CHECK(reader.samples(
        stream.name(), channel, {}, [&](const storage::SampleRun& run) -> Result<void> {
          for (size_t i = 0; i < run.values.size(); ++i) {
            if (!run.missing.empty() && run.missing[i]) continue;
            const bool now = run.values[i] > 0;
            if (now == on) continue;
            on = now;
            const CaseTime t = run.times.empty()
                                   ? run.t0 + from_seconds(static_cast<double>(i) / run.rate_hz)
                                   : run.times[i];
            auto& [delta, change] = edges[t.ns];
            delta += on ? 1 : -1;
            change = {t.ns, on, run.u95_us, run.source};
          }
          return ok();
        }));
  }
  int level = 0;
  for (auto& [t_ns, edge] : edges) {
    level += edge.first;
    edge.second.on = level > 0;
    builder.level(spec.signal, edge.second);
  }
  return ok();
}

std::vector<Signal> instruments() {
  std::vector<Signal> out;
  for (size_t i = 0; i <= static_cast<size_t>(Signal::kSpecimenBag); ++i)
    out.push_back(static_cast<Signal>(i));
  return out;
}

Result<bool> read_instruments(const storage::CaseReader& reader, const v1::Stream& stream,
                              SignalsBuilder& builder) {
  static const std::string kPrefix = "instrument.";
  CASEBOX_TRY(const auto events, reader.events_of(stream.name()));
  bool any = false;
  for (const storage::EventAt& at : events) {
    if (!at.event.has_device() || !at.event.device().has_on()) continue;
    for (Signal signal : instruments()) {
      if (at.event.device().code() != kPrefix + to_string(signal)) continue;
      storage::SourceRef source = at.source;
      source.first = at.number;
      source.count = 1;
      builder.level(signal, {at.t.ns, at.event.device().on(), at.u95_us, source});
      any = true;
    }
  }
  if (any)
    for (Signal signal : instruments()) builder.present(signal);
  return any;
}

}  // namespace

Result<Signals> read_signals(const storage::CaseReader& reader) {
  SignalsBuilder builder;
  builder.span(CaseTime{reader.record().first_t_ns()}, CaseTime{reader.record().last_t_ns()});
  CASEBOX_TRY(const auto clocks, reader.clocks());
  CASEBOX_TRY(const auto gaps, reader.gaps());
  std::set<uint32_t> broken;
  for (const DeviceClock& clock : device_clocks(clocks))
    if (clock.broken) broken.insert(clock.clock_id);
  for (const v1::Stream& stream : reader.streams()) {
    std::vector<Signal> signals;
    const bool events = stream.kind() == v1::STREAM_KIND_DEVICE;
    const Sampled* spec = nullptr;
    for (const Sampled& candidate : sampled())
      if (stream.device() == candidate.device && stream.channels_size() > 0) spec = &candidate;
    if (spec == nullptr && !events) continue;
    if (broken.contains(stream.clock_id())) {
      builder.notice(stream.name() + ": its clock (" + std::to_string(stream.clock_id()) +
                     ") is broken; not used to find phases");
      SignalsBuilder unused;
      CASEBOX_TRY(const bool instruments_in_use,
                  events ? read_instruments(reader, stream, unused) : Result<bool>(false));
      if (instruments_in_use) builder.unusable(stream.name());
      continue;
    }
    if (spec != nullptr) {
      CASEBOX_CHECK(read_sampled(reader, stream, *spec, builder));
      builder.present(spec->signal);
      signals = {spec->signal};
    } else {
      CASEBOX_TRY(const bool any, read_instruments(reader, stream, builder));
      if (any) signals = instruments();
    }
    for (const storage::GapAt& at : gaps)
      if (at.stream.value == stream.stream_id())
        for (Signal signal : signals)
          builder.unseen(signal, {CaseTime{at.gap.t_begin_ns()}, CaseTime{at.gap.t_end_ns()}});
  }
  CASEBOX_TRY(const auto pauses, reader.pauses());
  std::optional<CaseTime> since;
  const auto pause = [&](CaseTime to) {
    if (since)
      for (size_t i = 0; i < kSignals; ++i) builder.unseen(static_cast<Signal>(i), {*since, to});
    since.reset();
  };
  for (const auto& [t, what] : pauses) {
    if (what.begins()) {
      if (!since) since = t;
    } else {
      pause(t);
    }
  }
  pause(CaseTime{reader.record().last_t_ns()});
  return builder.finish();
}

}  // namespace casebox::analytics::phases
