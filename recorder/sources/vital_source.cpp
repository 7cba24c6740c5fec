#include "recorder/sources/vital_source.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/units.h"
#include "recorder/sources/internal/vital_file.h"

namespace casebox::recorder {
namespace {

using internal::VitalFile;
using internal::VitalRecord;
using internal::VitalTrack;
using internal::VitalType;

constexpr size_t kMaxVitalRun = 1 << 13;  // samples of one item
constexpr size_t kEvents = 64;            // records looked at in one call
// Between two records of a wave; those of a monitor come once a second, some tens of ms uneven.
constexpr int64_t kHole = 500'000'000;
// Records of one second stand in any order; beyond this the clock was set.
constexpr int64_t kSetBack = 10'000'000'000;
constexpr size_t kMaxGathered = 8 << 20;  // moments of a file whose records are not in order

int64_t record_ns(double time) {
  const double whole = std::floor(time);
  return static_cast<int64_t>(whole) * 1'000'000'000 + std::llround((time - whole) * 1e9);
}

/// VitalRecorder is of this century; a time near 0 is a device that had none.
bool plausible(int64_t t_ns) { return t_ns >= 100'000'000 * int64_t{1'000'000'000}; }

/// The fraction that a float rate stands for, e.g. 62.5 = 125/2.
v1::Rational rate_of(float hz) {
  v1::Rational rate;
  for (uint64_t den = 1; den <= 1000; ++den) {
    const double num = std::round(static_cast<double>(hz) * static_cast<double>(den));
    if (num >= 1 && static_cast<float>(num / static_cast<double>(den)) == hz) {
      rate.set_num(static_cast<uint64_t>(num));
      rate.set_den(den);
      return rate;
    }
  }
  rate.set_num(static_cast<uint64_t>(std::llround(static_cast<double>(hz) * 1e6)));
  rate.set_den(1'000'000);
  return rate;
}

/// Names become stream names: what could be mistaken there is replaced. The escapes of a name whose
/// encoding cannot be told stay.
std::string clean(const text::Text& told) {
  std::string name(text::cut(told.utf8, 128));
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == '/' || (c == '\\' && told.certain)) c = '_';
  return name;
}

}  // namespace

/// Where a track's records go.
struct Lane {
  size_t stream = 0;
  size_t channel = 0;
  VitalType type = VitalType::kWave;
  uint8_t format = 0;
};

/// The moment of a device's numerics that is being put together.
struct Moment {
  size_t stream = 0;
  int64_t t_src = 0;
  Samples samples;
  std::set<size_t> said;
};

struct VitalSource::Impl {
  std::function<Result<std::unique_ptr<VitalFile>>()> reopen;
  std::string path;
  std::unique_ptr<VitalFile> file;
  internal::FileClock clock;
  int64_t first_ns = INT64_MAX;
  int64_t last_ns = 0;
  std::map<uint16_t, Lane> lanes;
  std::vector<Moment> moments;  // by device; only streams of numerics
  // Where records do not stand in the order of time, as in packed files: what they say, by stream
  // and time, and which of several at that time.
  bool unordered = false;
  std::map<std::tuple<size_t, int64_t, size_t>, Moment> gathered;
  std::vector<Item> texts_said;
  std::map<size_t, size_t> moment_of;  // stream -> index
  std::vector<int64_t> ends;           // by stream: where its last item ended, ns of the file
  text::Reader texts;                  // of the file
  bool untold = false;                 // some of them cannot be told
  uint64_t resets = 0;                 // of the event list, still to come
  uint64_t undated = 0;                // records that tell no time
  std::set<size_t> begun;              // streams of waves that have had a record
  bool finished = false;

  Result<void> scan(std::vector<Skipped>& skipped, const std::string& name);
  void flush(Moment& moment, std::vector<v1::Stream>& streams, std::vector<Item>& out);
  Result<Moment*> gather(const Lane& lane, int64_t t);
  void finish(std::vector<v1::Stream>& streams, std::vector<Item>& out);
  void wave(const Lane& lane, const v1::Stream& stream, VitalRecord& record,
            std::vector<Item>& out);
  Result<void> numeric(const Lane& lane, std::vector<v1::Stream>& streams,
                       const VitalRecord& record, std::vector<Item>& out);
  void text(const Lane& lane, const std::string& track, const VitalRecord& record,
            std::vector<Item>& out);
  void lost(size_t stream, const std::string& reason, std::vector<Item>& out);
  void hole(size_t stream, const std::string& reason, int64_t until, std::vector<Item>& out);

  text::Text told(const std::string& raw) {
    text::Text out = texts.read(raw);
    untold = untold || !out.certain;
    return out;
  }
};

VitalSource::VitalSource() : impl_(std::make_unique<Impl>()) {}
VitalSource::~VitalSource() = default;

Result<void> VitalSource::Impl::scan(std::vector<Skipped>& skipped, const std::string& name) {
  CASEBOX_TRY(file, reopen());
  VitalRecord record;
  bool reset = false;
  std::map<std::pair<VitalType, std::string>, int64_t> latest;  // by type and device
  std::optional<int64_t> furthest;
  int64_t back_ns = 0;
  while (true) {
    CASEBOX_TRY(const bool more, file->next(record, reset));
    if (!more) break;
    if (reset) {
      ++resets;
      continue;
    }
    texts.see(record.text);
    const int64_t t = record_ns(record.time);
    if (!plausible(t)) {
      ++undated;
      continue;
    }
    first_ns = std::min(first_ns, t);
    last_ns = std::max(last_ns, t);
    const VitalTrack& track = file->tracks().at(record.track);
    if (track.type != VitalType::kWave) {
      int64_t& before = latest.try_emplace({track.type, track.device}, t).first->second;
      unordered = unordered || t < before;
      before = std::max(before, t);
    }
    back_ns = std::max(back_ns, furthest.value_or(t) - t);
    furthest = std::max(furthest.value_or(t), t);
  }
  if (back_ns > kSetBack && !file->packed())
    skipped.push_back({internal::base_name(name), 0,
                       "its clock goes back by up to " + std::to_string(back_ns / 1'000'000'000) +
                           " s: what it says from there on may lie beside what it said before",
                       false});
  for (const auto& [id, track] : file->tracks())
    for (const std::string* text : {&track.name, &track.unit, &track.device}) texts.see(*text);
  for (const internal::VitalDamage& damage : file->damage())
    skipped.push_back({internal::base_name(name), damage.offset, damage.reason, true});
  if (file->bad_records() > 0)
    skipped.push_back({internal::base_name(name), 0,
                       std::to_string(file->bad_records()) + " further records that cannot be read",
                       true});
  if (undated > 0 && first_ns != INT64_MAX)
    skipped.push_back({internal::base_name(name), 0,
                       std::to_string(undated) +
                           " records tell a time before 1973, which is none, and are set aside",
                       false});
  if (first_ns == INT64_MAX) {
    if (file->truncated())
      return Error{Code::kInvalidArgument,
                   name + ":" + std::to_string(file->damage().back().offset) + ": " +
                       file->damage().back().reason + ", before its first record; copy it again"};
    return Error{Code::kInvalidArgument, name + ": no records in it; nothing to record"};
  }
  return ok();
}

Result<std::unique_ptr<Source>> VitalSource::open(Context context) {
  const std::string path = context.config.url();
  std::unique_ptr<VitalSource> source(new VitalSource);
  source->impl_->reopen = [path] { return VitalFile::open(path); };
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::unique_ptr<Source>> VitalSource::over(Context context, const std::string& bytes) {
  std::unique_ptr<VitalSource> source(new VitalSource);
  const std::string name = context.config.url();
  source->impl_->reopen = [bytes, name] { return VitalFile::over(bytes, name); };
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

Result<bool> VitalSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  VitalRecord record;
  bool reset = false;
  for (size_t i = 0; i < kEvents; ++i) {
    CASEBOX_TRY(const bool more, impl.file->next(record, reset));
    for (const uint16_t track : impl.file->take_lost())
      if (const auto lane = impl.lanes.find(track); lane != impl.lanes.end())
        impl.lost(lane->second.stream, "record-damaged", out);
    if (!more) {
      if (impl.untold) skipped_.push_back(internal::kept_as_bytes(impl.path));
      impl.finish(streams_, out);
      if (impl.file->truncated())
        for (size_t s = 0; s < streams_.size(); ++s) impl.lost(s, "file-damaged", out);
      impl.finished = true;
      return true;
    }
    if (reset) {
      --impl.resets;
      continue;
    }
    const auto found = impl.lanes.find(record.track);
    if (found == impl.lanes.end() || !plausible(record_ns(record.time))) continue;
    const Lane& lane = found->second;
    const VitalTrack& track = impl.file->tracks().at(record.track);
    if (track.type != lane.type || track.format != lane.format) {
      impl.lost(lane.stream, "track-redefined", out);
      continue;
    }
    switch (lane.type) {
      case VitalType::kWave: impl.wave(lane, streams_[lane.stream], record, out); break;
      case VitalType::kNumeric: CASEBOX_CHECK(impl.numeric(lane, streams_, record, out)); break;
      case VitalType::kText: impl.text(lane, track.name, record, out); break;
    }
  }
  return true;
}

void VitalSource::Impl::wave(const Lane& lane, const v1::Stream& stream, VitalRecord& record,
                             std::vector<Item>& out) {
  const double step = 1e9 * static_cast<double>(stream.tick_rate_hz().den()) /
                      static_cast<double>(stream.tick_rate_hz().num());
  const size_t total = std::max(record.ints.size(), record.reals.size());
  const int64_t begin = record_ns(record.time);
  // Records of a wave follow each other but for the unevenness of a network.
  const auto uneven = std::max<int64_t>(kHole, std::llround(2.5 * step));
  if (!begun.insert(lane.stream).second && begin - ends[lane.stream] > uneven)
    hole(lane.stream, "missing-rows", begin, out);
  for (size_t from = 0; from < total; from += kMaxVitalRun) {
    const size_t n = std::min(kMaxVitalRun, total - from);
    const auto a = static_cast<ptrdiff_t>(from), b = static_cast<ptrdiff_t>(from + n);
    Item item;
    Samples samples;
    Column& column = samples.columns.emplace_back();
    if (!record.ints.empty()) column.ints.assign(record.ints.begin() + a, record.ints.begin() + b);
    if (!record.reals.empty())
      column.reals.assign(record.reals.begin() + a, record.reals.begin() + b);
    samples.t_src = begin + std::llround(step * static_cast<double>(from));
    samples.t_src_step = std::llround(step);
    item.stream = lane.stream;
    item.t = clock.map(samples.t_src);
    item.u95_us = clock.u95_us();
    item.duration = nanoseconds(std::llround(step * static_cast<double>(n)));
    item.arrival = item.t + item.duration;
    item.count = static_cast<uint32_t>(n);
    ends[lane.stream] = samples.t_src + item.duration.ns;
    item.what = std::move(samples);
    out.push_back(std::move(item));
  }
}

/// The moment that a number belongs to where they do not stand in order.
Result<Moment*> VitalSource::Impl::gather(const Lane& lane, int64_t t) {
  for (size_t n = 0;; ++n) {
    const auto [it, fresh] = gathered.try_emplace({lane.stream, t, n});
    if (fresh && gathered.size() > kMaxGathered)
      return Error{Code::kUnsupported,
                   path +
                       ": more than 8 million moments that do not stand in the order of time; "
                       "write the file again unpacked"};
    it->second.stream = lane.stream;
    if (!it->second.said.contains(lane.channel)) return &it->second;
  }
}

void VitalSource::Impl::finish(std::vector<v1::Stream>& streams, std::vector<Item>& out) {
  for (Moment& moment : moments) flush(moment, streams, out);
  for (auto& [key, moment] : gathered) flush(moment, streams, out);
  gathered.clear();
  std::ranges::stable_sort(texts_said, {}, &Item::t);
  for (Item& item : texts_said) out.push_back(std::move(item));
  texts_said.clear();
}

Result<void> VitalSource::Impl::numeric(const Lane& lane, std::vector<v1::Stream>& streams,
                                        const VitalRecord& record, std::vector<Item>& out) {
  const int64_t t = record_ns(record.time);
  Moment* into = &moments[moment_of.at(lane.stream)];
  if (unordered) {
    CASEBOX_TRY(into, gather(lane, t));
  } else if (!into->said.empty() && (t != into->t_src || into->said.contains(lane.channel))) {
    flush(*into, streams, out);
  }
  Moment& moment = *into;
  if (moment.said.empty()) {
    moment.t_src = t;
    moment.samples.columns.assign(static_cast<size_t>(streams[lane.stream].channels_size()), {});
  }
  moment.said.insert(lane.channel);
  Column& column = moment.samples.columns[lane.channel];
  column.ints = record.ints;
  column.reals = record.reals;
  return ok();
}

void VitalSource::Impl::flush(Moment& moment, std::vector<v1::Stream>& streams,
                              std::vector<Item>& out) {
  if (moment.said.empty()) return;
  Item item;
  item.stream = moment.stream;
  item.t = clock.map(moment.t_src);
  item.u95_us = clock.u95_us();
  item.arrival = item.t;
  moment.samples.t_src = moment.t_src;
  ends[moment.stream] = std::max(ends[moment.stream], moment.t_src);
  item.what = std::move(moment.samples);
  moment.samples = {};
  moment.samples.columns.resize(static_cast<size_t>(streams[moment.stream].channels_size()));
  moment.said.clear();
  out.push_back(std::move(item));
}

// A reset takes back the list of events so far: the file tells it anew behind it.
void VitalSource::Impl::text(const Lane& lane, const std::string& track, const VitalRecord& record,
                             std::vector<Item>& out) {
  if (resets > 0 && track == "EVENT") return;
  v1::Event event;
  event.set_t_src(record_ns(record.time));
  event.set_t_src_known(true);
  event.mutable_text()->set_code(clean(told(track)));
  event.mutable_text()->set_text(told(record.text).utf8);
  Item item;
  item.stream = lane.stream;
  item.t = clock.map(event.t_src());
  item.u95_us = clock.u95_us();
  item.arrival = item.t;
  ends[lane.stream] = std::max(ends[lane.stream], event.t_src());
  item.what = std::move(event);
  (unordered ? texts_said : out).push_back(std::move(item));
}

void VitalSource::Impl::lost(size_t stream, const std::string& reason, std::vector<Item>& out) {
  hole(stream, reason, last_ns, out);
  begun.erase(stream);  // what is missing up to its next record is said
}

/// Nothing of a stream from its last item to `until`, on the file's clock.
void VitalSource::Impl::hole(size_t stream, const std::string& reason, int64_t until,
                             std::vector<Item>& out) {
  v1::Gap gap;
  gap.set_origin(reason == "missing-rows" ? v1::Gap::ORIGIN_SOURCE : v1::Gap::ORIGIN_DECODE);
  gap.set_reason(reason);
  gap.set_count_unknown(true);
  gap.set_t_begin_ns(clock.map(ends[stream]).ns);
  gap.set_t_end_ns(std::max(clock.map(ends[stream]), clock.map(until)).ns);
  Item item;
  item.stream = stream;
  item.t = CaseTime{gap.t_begin_ns()};
  item.arrival = CaseTime{gap.t_end_ns()};
  item.what = std::move(gap);
  out.push_back(std::move(item));
}

std::vector<ClockState> VitalSource::clocks() const { return {impl_->clock.state()}; }
Wall VitalSource::wall() const { return {Wall::Kind::kUtc, impl_->first_ns}; }
void VitalSource::move(Duration by) { impl_->clock.start_ns += by.ns; }
Duration VitalSource::length() const { return impl_->clock.map(impl_->last_ns) - CaseTime{}; }

Result<void> VitalSource::begin(const Context& context) {
  const v1::SourceConfig& config = context.config;
  Impl& impl = *impl_;
  impl.path = config.url();
  CASEBOX_CHECK(text::check_encoding(config.encoding()));
  impl.texts = text::Reader(config.encoding());
  CASEBOX_CHECK(impl.scan(skipped_, config.url()));
  CASEBOX_TRY(const int64_t start_ns, internal::start_of(config));
  impl.clock = {start_ns, impl.first_ns, 1000};

  std::map<uint16_t, VitalTrack> tracks = impl.file->tracks();
  std::set<std::string> devices;
  for (auto& [id, track] : tracks) {
    track.name = clean(impl.told(track.name));
    track.unit = impl.told(track.unit).utf8;
    track.device = clean(impl.told(track.device));
    if (track.type != VitalType::kText) devices.insert(track.device);
  }
  std::set<std::string> names;
  std::map<std::string, size_t> numerics;  // by device
  const auto prefix = [&](const VitalTrack& track) {
    return config.name() + "." +
           (devices.size() > 1 && !track.device.empty() ? track.device + "." : "");
  };
  const auto add = [&](std::string name, v1::StreamKind kind, v1::StreamClass cls,
                       const std::string& device) {
    const std::string base = name;
    for (int n = 2; !names.insert(name).second; ++n) name = base + "_" + std::to_string(n);
    v1::Stream& stream = streams_.emplace_back();
    stream.set_name(name);
    stream.set_kind(kind);
    stream.set_stream_class(cls);
    stream.mutable_tick_rate_hz()->set_den(1);
    stream.set_device(!config.device().empty() ? config.device()
                      : device.empty()         ? "patient-monitor"
                                               : device);
    stream.set_clock_id(1);
    stream.set_source_time_unit("ns");
    return streams_.size() - 1;
  };
  int events = -1;
  for (const auto& [id, track] : tracks) {
    Lane lane{0, 0, track.type, track.format};
    if (track.type == VitalType::kText) {
      if (events < 0)
        events = static_cast<int>(
            add(config.name() + ".events", v1::STREAM_KIND_DEVICE, v1::STREAM_CLASS_A, ""));
      lane.stream = static_cast<size_t>(events);
      impl.lanes[id] = lane;
      continue;
    }
    if (track.type == VitalType::kWave) {
      lane.stream =
          add(prefix(track) + track.name, v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B, track.device);
      *streams_[lane.stream].mutable_tick_rate_hz() = rate_of(track.rate_hz);
    } else {
      const auto [known, fresh] = numerics.try_emplace(track.device, 0);
      if (fresh) {
        known->second = add(prefix(track) + "numerics", v1::STREAM_KIND_NUMERIC, v1::STREAM_CLASS_B,
                            track.device);
        impl.moment_of[known->second] = impl.moments.size();
        impl.moments.push_back({known->second, 0, {}, {}});
      }
      lane.stream = known->second;
    }
    v1::Stream& stream = streams_[lane.stream];
    lane.channel = static_cast<size_t>(stream.channels_size());
    std::string name = track.name;
    for (int n = 2; std::ranges::any_of(stream.channels(),
                                        [&](const v1::Channel& c) { return c.name() == name; });
         ++n)
      name = track.name + "_" + std::to_string(n);
    v1::Channel& channel = *stream.add_channels();
    channel.set_id(static_cast<uint32_t>(stream.channels_size()));
    channel.set_name(name);
    channel.set_unit(internal::ucum(track.unit));
    channel.set_samples_per_tick(1);
    channel.mutable_text()->set_style(v1::TextFormat::STYLE_SHORTEST);
    channel.set_type(track.format == 1   ? v1::SAMPLE_TYPE_F32
                     : track.format == 2 ? v1::SAMPLE_TYPE_F64
                                         : v1::SAMPLE_TYPE_INT);
    // Only waves are scaled; a gain of one and no offset is an integer as it stands.
    if (track.type == VitalType::kWave && channel.type() == v1::SAMPLE_TYPE_INT &&
        !(track.gain == 1 && track.offset == 0)) {
      channel.set_gain(track.gain);
      channel.set_offset(track.offset);
    }
    impl.lanes[id] = lane;
  }
  impl.ends.assign(streams_.size(), impl.first_ns);
  CASEBOX_TRY(impl.file, impl.reopen());
  return ok();
}

}  // namespace casebox::recorder
