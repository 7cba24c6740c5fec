#include "recorder/sources/xdf_source.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "recorder/sources/internal/even_samples.h"
#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/xdf_file.h"

namespace casebox::recorder {
namespace {

using internal::ClockFit;
using internal::Rate;
using internal::XdfChunk;
using internal::XdfFile;
using internal::XdfSamples;
using internal::XdfStream;
using internal::XdfValue;

constexpr size_t kMaxXdfStreams = 4096;
constexpr size_t kMaxXdfClock = 1u << 20;
constexpr int64_t kXdfHole = 500'000'000;  // ns; less is the unevenness of a network
constexpr int64_t kXdfSetBack = 1'000'000'000;
constexpr int64_t kXdfEven = 1000;  // ns by which an even step may be off

int64_t stamp_ns(double seconds) {
  const double whole = std::floor(seconds);
  return static_cast<int64_t>(whole) * 1'000'000'000 + std::llround((seconds - whole) * 1e9);
}

}  // namespace

/// A stream of the file, and where its reading stands.
struct XdfLane {
  XdfStream stream;
  size_t index = 0;
  Rate rate;          // 0: none is told
  bool even = false;  // its stamps follow it
  ClockFit clock;
  uint64_t samples = 0;
  uint64_t starts = 0;          // stamps that do not follow the one before evenly
  uint64_t back = 0;            // that go back
  uint64_t unstamped = 0;       // without any before
  std::optional<double> stamp;  // of the last sample, as told
  size_t stretch = 0;
  int64_t shift_ns = 0;           // of a clock that went back
  std::optional<int64_t> end_ns;  // where the last sample ends, on the common clock
  int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;

  int64_t step_ns() const { return rate.even() ? rate.ns_of(1) : 0; }
  double step() const { return rate.even() ? 1 / rate.hz() : 0; }
  void restart() {
    stamp.reset();
    stretch = 0;
    shift_ns = 0;
    end_ns.reset();
  }
};

namespace {

/// Where a sample stands.
struct XdfPlace {
  double stamp = 0;  // on the stream's clock, s
  int64_t t_ns = 0;  // on the common one
  bool reset = false, back = false, follows = false;
};

XdfPlace place_xdf(XdfLane& lane, const std::optional<double>& told) {
  XdfPlace out;
  const std::optional<double> before = lane.stamp;
  out.stamp = told ? *told : before.value_or(0) + (before ? lane.step() : 0);
  lane.stamp = out.stamp;
  const size_t stretch = lane.stretch;
  const double offset = lane.clock.offset_at(out.stamp, lane.stretch);
  out.reset = lane.stretch != stretch && before.has_value();
  out.t_ns = saturating::add(stamp_ns(out.stamp + offset), lane.shift_ns);
  out.follows =
      before && !out.reset &&
      std::abs((out.stamp - *before - lane.step()) * 1e9) <= static_cast<double>(kXdfEven);
  if (lane.end_ns && out.t_ns < *lane.end_ns - (out.reset ? 0 : kXdfSetBack)) {
    out.back = true;
    lane.shift_ns = saturating::add(lane.shift_ns, *lane.end_ns - out.t_ns);
    out.t_ns = *lane.end_ns;
  }
  lane.end_ns = saturating::add(out.t_ns, lane.step_ns());
  return out;
}

}  // namespace

struct XdfSource::Impl {
  explicit Impl(XdfFile opened) : file(std::move(opened)) {}

  XdfFile file;
  std::string name;
  internal::FileClock clock;
  text::Reader texts;
  std::map<uint32_t, XdfLane> lanes;
  uint64_t strangers = 0;  // chunks of no stream
  uint64_t broken = 0;     // chunks of samples that end inside
  int64_t last_ns = 0;
  bool finished = false;
  XdfSamples samples;

  void scan();
  void put(XdfLane& lane, std::vector<Item>& out);
  void put_text(XdfLane& lane, const XdfPlace& at, size_t i, std::vector<Item>& out);
  void gap_before(XdfLane& lane, const XdfPlace& at, std::optional<int64_t> end,
                  std::vector<Item>& out);
  Column column(const XdfLane& lane, size_t channel, size_t from, size_t n) const;
  void lost(const XdfLane& lane, std::vector<Item>& out) const;
};

XdfSource::XdfSource() = default;
XdfSource::~XdfSource() = default;

Result<std::unique_ptr<Source>> XdfSource::open(Context context) {
  CASEBOX_TRY(auto input, internal::ByteInput::open(context.config.url()));
  CASEBOX_TRY(auto file, XdfFile::open(std::move(input), context.config.url()));
  std::unique_ptr<XdfSource> source(new XdfSource);
  source->impl_ = std::make_unique<Impl>(std::move(file));
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::unique_ptr<Source>> XdfSource::over(Context context, Bytes bytes) {
  CASEBOX_TRY(auto file,
              XdfFile::open(internal::ByteInput::over(std::move(bytes)), context.config.url()));
  std::unique_ptr<XdfSource> source(new XdfSource);
  source->impl_ = std::make_unique<Impl>(std::move(file));
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

// Once for headers and clocks, which may stand behind the samples they are of, and once for times.
void XdfSource::Impl::scan() {
  size_t measured = 0;
  while (const auto chunk = file.next()) {
    if (chunk->tag == XdfChunk::Tag::kStream) {
      auto stream = file.read_stream(*chunk);
      if (!stream || lanes.size() >= kMaxXdfStreams || lanes.contains(chunk->stream)) {
        ++strangers;
        continue;
      }
      for (const auto* list : {&stream->labels, &stream->units})
        for (const std::string& text : *list) texts.see(text);
      texts.see(stream->name);
      XdfLane& lane = lanes[chunk->stream];
      lane.rate = Rate::of(stream->rate);
      lane.stream = std::move(*stream);
    } else if (chunk->tag == XdfChunk::Tag::kClock && measured < kMaxXdfClock) {
      const auto lane = lanes.find(chunk->stream);
      const auto one = file.read_clock(*chunk);
      if (lane == lanes.end() || !one) continue;
      lane->second.stream.clock.push_back(*one);
      ++measured;
    }
  }
  for (auto& [id, lane] : lanes) lane.clock = ClockFit(lane.stream.clock);
  file.rewind();
  while (const auto chunk = file.next()) {
    if (chunk->tag != XdfChunk::Tag::kSamples) continue;
    const auto found = lanes.find(chunk->stream);
    if (found == lanes.end()) {
      ++strangers;
      continue;
    }
    XdfLane& lane = found->second;
    file.read_samples(*chunk, lane.stream, samples);
    broken += samples.whole ? 0 : 1;
    for (const std::string& text : samples.texts) texts.see(text);
    for (const auto& stamp : samples.stamps) {
      if (!stamp && !lane.stamp) ++lane.unstamped;
      const XdfPlace at = place_xdf(lane, stamp);
      ++lane.samples;
      lane.starts += at.follows ? 0 : 1;
      lane.back += at.back ? 1 : 0;
      lane.first_ns = std::min(lane.first_ns, at.t_ns);
      lane.last_ns = std::max(lane.last_ns, *lane.end_ns);
    }
  }
}

Result<void> XdfSource::begin(const Context& context) {
  const v1::SourceConfig& config = context.config;
  Impl& impl = *impl_;
  impl.name = internal::base_name(config.url());
  CASEBOX_CHECK(text::check_encoding(config.encoding()));
  impl.texts = text::Reader(config.encoding());
  impl.scan();
  const auto say = [&](const std::string& what, bool damage = false) {
    skipped_.push_back({impl.name, 0, what, damage});
  };
  for (Skipped trouble : impl.file.troubles()) {
    trouble.file = impl.name;
    skipped_.push_back(std::move(trouble));
  }
  if (impl.strangers > 0)
    say(std::to_string(impl.strangers) + " chunks of streams that the file does not describe",
        true);
  if (impl.broken > 0)
    say(std::to_string(impl.broken) + " chunks of samples that end inside a sample", true);
  if (impl.lanes.empty())
    return Error{Code::kInvalidArgument,
                 config.url() + ": this is an XDF file without a stream; nothing to record"};
  int64_t first = INT64_MAX;
  for (const auto& [id, lane] : impl.lanes) {
    first = std::min(first, lane.first_ns);
    impl.last_ns = std::max(impl.last_ns, lane.last_ns);
  }
  CASEBOX_TRY(impl.clock.start_ns, internal::start_of(config));
  impl.clock.origin_ns = first == INT64_MAX ? 0 : first;
  impl.clock.quantum_ns = 2000;

  std::map<std::string, int> used;
  size_t number = 0;
  bool untold = false;
  for (auto& [id, lane] : impl.lanes) {
    ++number;
    const std::string nth = "stream " + std::to_string(number);
    const text::Text told = impl.texts.read(lane.stream.name);
    untold = untold || !told.certain;
    std::string name =
        config.name() + "." + internal::name_part(told, "stream" + std::to_string(number));
    if (const int n = ++used[name]; n > 1) name += "_" + std::to_string(n);
    const std::string device = config.device().empty() ? "sensors" : config.device();
    lane.index = streams_.size();
    // Stamps that do not follow the rate need a time each.
    lane.even = lane.rate.even() && lane.starts * 16 <= lane.samples + 16;
    if (lane.stream.value == XdfValue::kString) {
      streams_.push_back(internal::event_stream(name, device));
    } else {
      v1::Stream& stream = streams_.emplace_back(
          internal::sample_stream(name, lane.even ? lane.rate : Rate{}, device));
      if (lane.rate.even() && lane.rate.hz() >= 10) stream.set_kind(v1::STREAM_KIND_WAVE);
      const v1::SampleType type = lane.stream.value == XdfValue::kFloat32    ? v1::SAMPLE_TYPE_F32
                                  : lane.stream.value == XdfValue::kDouble64 ? v1::SAMPLE_TYPE_F64
                                                                             : v1::SAMPLE_TYPE_INT;
      for (size_t c = 0; c < lane.stream.channels; ++c) {
        const auto text_of = [&](const std::vector<std::string>& list) {
          return impl.texts.read(c < list.size() ? list[c] : std::string());
        };
        const text::Text label = text_of(lane.stream.labels), unit = text_of(lane.stream.units);
        untold = untold || !label.certain || !unit.certain;
        internal::add_channel(stream, internal::name_part(label, "channel" + std::to_string(c + 1)),
                              unit.utf8 == "microvolts" ? "uV" : unit.utf8, type);
      }
    }
    streams_.back().set_clock_id(static_cast<uint32_t>(number));
    if (lane.samples == 0) say(nth + " holds no samples");
    if (lane.samples > 0 && !lane.clock.known())
      say(nth + " tells nothing of its clock; its times are taken as the recording machine's");
    if (lane.samples > 0 && lane.rate.even() && !lane.even &&
        lane.stream.value != XdfValue::kString)
      say(nth + " has a rate that its time stamps do not follow; each sample keeps its own");
    if (lane.unstamped > 0) say(nth + " begins without a time stamp; its first is taken as 0");
    if (lane.clock.resets() > 0)
      say("the clock of " + nth + " was reset " + std::to_string(lane.clock.resets()) +
          " times; a gap stands where it was");
    if (lane.back > 0)
      say("the time of " + nth + " goes back " + std::to_string(lane.back) +
          " times; what follows stands behind what was there, and a gap stands between");
    lane.restart();
  }
  if (untold) skipped_.push_back(internal::kept_as_bytes(config.url()));
  impl.file.rewind();
  return ok();
}

Column XdfSource::Impl::column(const XdfLane& lane, size_t channel, size_t from, size_t n) const {
  Column out;
  const size_t channels = lane.stream.channels;
  for (size_t i = from; i < from + n; ++i) {
    const size_t at = i * channels + channel;
    if (!samples.ints.empty()) {
      out.ints.push_back(samples.ints[at]);
      continue;
    }
    const double value = samples.reals[at];
    const bool missing = std::isnan(value);
    out.reals.push_back(missing ? 0 : value);
    if (missing) out.missing.resize(i - from, false);
    if (missing || !out.missing.empty()) out.missing.push_back(missing);
  }
  return out;
}

/// What lies between the last sample and this one, if anything is missing.
void XdfSource::Impl::gap_before(XdfLane& lane, const XdfPlace& at, std::optional<int64_t> end,
                                 std::vector<Item>& out) {
  if (!end) return;
  const int64_t hole = at.t_ns - *end;
  if (at.reset || at.back) {
    out.push_back(internal::gap_item(lane.index, clock, *end, std::max(*end, at.t_ns),
                                     v1::Gap::ORIGIN_CLOCK, "clock-reset"));
  } else if (lane.rate.even() &&
             hole > std::max(kXdfHole, static_cast<int64_t>(2.5 * lane.step() * 1e9))) {
    out.push_back(internal::gap_item(
        lane.index, clock, *end, at.t_ns, v1::Gap::ORIGIN_SOURCE, "missing-rows",
        static_cast<uint64_t>(std::llround(static_cast<double>(hole) * 1e-9 * lane.rate.hz()))));
  }
}

void XdfSource::Impl::put_text(XdfLane& lane, const XdfPlace& at, size_t i,
                               std::vector<Item>& out) {
  v1::Event event;
  std::string text;
  for (size_t c = 0; c < lane.stream.channels; ++c)
    text += (c == 0 ? "" : "\t") + texts.read(samples.texts[i * lane.stream.channels + c]).utf8;
  event.mutable_text()->set_code("marker");
  event.mutable_text()->set_text(text);
  Item item = internal::event_item(lane.index, clock, at.t_ns, std::move(event));
  std::get<v1::Event>(item.what).set_t_src(stamp_ns(at.stamp));
  out.push_back(std::move(item));
}

void XdfSource::Impl::put(XdfLane& lane, std::vector<Item>& out) {
  const size_t total = samples.stamps.size();
  for (size_t i = 0; i < total;) {
    const std::optional<int64_t> end = lane.end_ns;
    const XdfPlace first = place_xdf(lane, samples.stamps[i]);
    gap_before(lane, first, end, out);
    if (lane.stream.value == XdfValue::kString) {
      put_text(lane, first, i++, out);
      continue;
    }
    // Samples that follow each other evenly make one run.
    size_t n = 1;
    while (lane.even && i + n < total) {
      const auto& stamp = samples.stamps[i + n];
      const double next = stamp ? *stamp : *lane.stamp + lane.step();
      size_t stretch = lane.stretch;
      lane.clock.offset_at(next, stretch);
      if (stretch != lane.stretch ||
          std::abs((next - *lane.stamp - lane.step()) * 1e9) > static_cast<double>(kXdfEven))
        break;
      place_xdf(lane, stamp);
      ++n;
    }
    internal::Ticks ticks;
    ticks.count = n;
    for (size_t c = 0; c < lane.stream.channels; ++c)
      ticks.columns.push_back(column(lane, c, i, n));
    const size_t before = out.size();
    internal::put_ticks(lane.index, clock, lane.rate, first.t_ns, 0, std::move(ticks),
                        "invalid-samples", out);
    // Their own times are those of their own clock.
    const int64_t apart = stamp_ns(first.stamp) - first.t_ns;
    for (size_t k = before; k < out.size(); ++k)
      if (auto* one = std::get_if<Samples>(&out[k].what)) {
        one->t_src = saturating::add(one->t_src, apart);
        if (!lane.even) one->t_src_step = 0, out[k].duration = {}, out[k].arrival = out[k].t;
      }
    i += n;
  }
}

void XdfSource::Impl::lost(const XdfLane& lane, std::vector<Item>& out) const {
  const int64_t from = lane.end_ns.value_or(clock.origin_ns);
  out.push_back(
      internal::gap_item(lane.index, clock, from, from, v1::Gap::ORIGIN_DECODE, "file-damaged"));
}

Result<bool> XdfSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  const auto chunk = impl.file.next();
  if (impl.file.take_lost())
    for (const auto& [id, lane] : impl.lanes) impl.lost(lane, out);
  if (!chunk) {
    impl.finished = true;
    return true;
  }
  const auto found = impl.lanes.find(chunk->stream);
  if (chunk->tag != XdfChunk::Tag::kSamples || found == impl.lanes.end()) return true;
  impl.file.read_samples(*chunk, found->second.stream, impl.samples);
  impl.put(found->second, out);
  if (!impl.samples.whole) impl.lost(found->second, out);
  return true;
}

std::vector<ClockState> XdfSource::clocks() const {
  std::vector<ClockState> out;
  for (const auto& [id, lane] : impl_->lanes) {
    ClockState state = impl_->clock.state();
    state.clock_id = static_cast<uint32_t>(out.size() + 1);
    size_t stretch = 0;
    if (lane.clock.known() && !lane.stream.clock.empty()) {
      const double at = lane.stream.clock.front().at;
      state.offset_ns =
          saturating::add(state.offset_ns, stamp_ns(lane.clock.offset_at(at, stretch)));
      state.rate_ppm = lane.clock.slope() * 1e6;
      state.u95_ns += static_cast<uint64_t>(std::min(lane.clock.spread(), 1e6) * 1e9);
    }
    out.push_back(state);
  }
  return out;
}

void XdfSource::move(Duration by) { impl_->clock.start_ns += by.ns; }

Duration XdfSource::length() const {
  return impl_->clock.map(std::max(impl_->last_ns, impl_->clock.origin_ns)) - CaseTime{};
}

}  // namespace casebox::recorder
