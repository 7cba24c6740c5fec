#include "analytics/facts/vitals.h"

#include <algorithm>
#include <cmath>

#include "analytics/device_clocks.h"

namespace casebox::analytics::facts {
namespace {

/// When value `i` of a run was taken.
int64_t time_of(const storage::SampleRun& run, size_t i) {
  if (!run.times.empty()) return run.times[i].ns;
  return run.t0.ns + static_cast<int64_t>(static_cast<double>(i) * 1e9 / run.rate_hz);
}

void add_source(const storage::SampleRun& run, const std::string& stream, int64_t t_ns,
                SpanValues& into) {
  const uint64_t last = run.source.first.value + std::max(1u, run.source.count) - 1;
  const auto same = std::ranges::find_if(into.sources, [&](const v1::SourceRange& range) {
    return range.epoch() == run.source.epoch.value;
  });
  if (same != into.sources.end()) {
    same->set_first_number(std::min<uint64_t>(same->first_number(), run.source.first.value));
    same->set_last_number(std::max<uint64_t>(same->last_number(), last));
    same->set_t0_ns(std::min<int64_t>(same->t0_ns(), t_ns));
    same->set_t1_ns(std::max<int64_t>(same->t1_ns(), t_ns));
    return;
  }
  v1::SourceRange range;
  range.set_epoch(run.source.epoch.value);
  range.set_stream_id(run.source.stream.value);
  range.set_stream(stream);
  range.set_first_number(run.source.first.value);
  range.set_last_number(last);
  range.set_t0_ns(t_ns);
  range.set_t1_ns(t_ns);
  into.sources.push_back(std::move(range));
}

void add(const storage::SampleRun& run, const std::string& stream, size_t i, int64_t t_ns,
         SpanValues& into) {
  const double value = run.values[i];
  if ((!run.missing.empty() && run.missing[i]) || !std::isfinite(value)) {
    ++into.missing;
    return;
  }
  into.min = into.values == 0 ? value : std::min(into.min, value);
  into.max = into.values == 0 ? value : std::max(into.max, value);
  ++into.values;
  into.mean += (value - into.mean) / static_cast<double>(into.values);
  add_source(run, stream, t_ns, into);
}

bool wanted(const std::set<std::string>& channels, const std::string& stream,
            const std::string& channel) {
  return channels.contains(channel) || channels.contains(stream + "/" + channel);
}

}  // namespace

std::vector<std::string> vital_names(const storage::CaseReader& reader) {
  std::vector<std::string> out;
  for (const v1::Stream& stream : reader.streams())
    if (stream.kind() == v1::STREAM_KIND_NUMERIC)
      for (const v1::Channel& channel : stream.channels())
        out.push_back(stream.name() + "/" + channel.name());
  std::ranges::sort(out);
  return out;
}

Result<std::vector<Vitals>> read_vitals(const storage::CaseReader& reader,
                                        const std::set<std::string>& channels,
                                        const std::vector<ValueSpan>& spans) {
  CASEBOX_TRY(const auto records, reader.clocks());
  std::set<uint32_t> broken;
  for (const DeviceClock& clock : device_clocks(records))
    if (clock.broken) broken.insert(clock.clock_id);
  std::vector<Vitals> out;
  for (const v1::Stream& stream : reader.streams()) {
    if (stream.kind() != v1::STREAM_KIND_NUMERIC) continue;
    for (const v1::Channel& channel : stream.channels()) {
      if (!wanted(channels, stream.name(), channel.name())) continue;
      Vitals& one = out.emplace_back();
      one.stream = stream.name();
      one.channel = channel.name();
      one.unit = channel.unit();
      one.placed = !broken.contains(stream.clock_id());
      one.within.resize(spans.size());
      CASEBOX_CHECK(reader.samples(one.stream, one.channel, {},
                                   [&](const storage::SampleRun& run) -> Result<void> {
                                     for (size_t i = 0; i < run.values.size(); ++i) {
                                       const int64_t t = time_of(run, i);
                                       add(run, one.stream, i, t, one.whole);
                                       for (size_t k = 0; k < spans.size(); ++k)
                                         if (t >= spans[k].t0_ns && t < spans[k].t1_ns)
                                           add(run, one.stream, i, t, one.within[k]);
                                     }
                                     return ok();
                                   }));
    }
  }
  std::ranges::sort(out, {}, [](const Vitals& v) { return std::pair(v.stream, v.channel); });
  return out;
}

}  // namespace casebox::analytics::facts
