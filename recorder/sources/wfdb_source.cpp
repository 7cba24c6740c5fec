#include "recorder/sources/wfdb_source.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/wfdb_annotations.h"
#include "recorder/sources/internal/wfdb_header.h"
#include "recorder/sources/internal/wfdb_segment.h"

namespace casebox::recorder {
namespace {

using internal::ByteInput;
using internal::OpenSegment;
using internal::Rate;
using internal::WfdbFile;
using internal::WfdbHeader;
using internal::WfdbSegment;
using internal::WfdbSignal;

constexpr size_t kMaxHea = 1u << 20;
constexpr size_t kMaxAtr = 64u << 20;
constexpr size_t kSamplesAtOnce = 1u << 15;
constexpr const char* kAnnotators[] = {"atr", "qrs", "ecg", "ari", "apn", "st", "ann", "wabp"};

}  // namespace

/// A channel of the stream it goes to, and by what segments know it.
struct WfdbChannel {
  std::string description;
  WfdbSignal like;
  bool physical = false;  // its gain changes
  size_t nth = 0;         // of its group, or of those with its description
};

struct WfdbLane {
  size_t stream = 0;
  Rate rate;
  uint32_t per_frame = 1;
  uint32_t skew = 0;
  std::vector<WfdbChannel> channels;
};

struct WfdbSource::Impl {
  Folder folder;
  WfdbHeader header;
  std::string path, name;
  internal::FileClock clock;
  int64_t base_ns = 0;                // of the first frame, on the file's clock
  std::vector<WfdbSegment> segments;  // one of a plain record
  std::vector<uint64_t> starts;       // frames in front of each
  std::vector<WfdbLane> lanes;
  struct Marks {
    size_t stream = 0;
    internal::WfdbAnnotations list;
    size_t next = 0;
  };
  std::vector<Marks> marks;
  text::Reader texts;
  size_t segment = 0;
  std::optional<OpenSegment> open;
  std::vector<Skipped>* skipped = nullptr;

  Result<WfdbHeader> read_header(const std::string& of);
  Result<void> plan(std::vector<v1::Stream>& streams, const v1::SourceConfig& config);
  void read_marks(std::vector<v1::Stream>& streams, const v1::SourceConfig& config);
  OpenSegment open_segment(const WfdbSegment& of);
  void put_frames(const OpenSegment& at, uint64_t frames, std::vector<Item>& out);
  void put_gaps(uint64_t from, uint64_t frames, v1::Gap::Origin origin, const char* reason,
                std::vector<Item>& out);
  void put_marks(int64_t until_ns, std::vector<Item>& out);
  void say(const std::string& what, bool damage = false) {
    skipped->push_back({name, 0, what, damage});
  }
  int64_t frame_ns(uint64_t frame) const {
    return saturating::add(base_ns, header.rate.ns_of(frame));
  }
  uint64_t frames() const { return segments.empty() ? 0 : starts.back() + segments.back().frames; }
};

WfdbSource::WfdbSource() : impl_(std::make_unique<Impl>()) {}
WfdbSource::~WfdbSource() = default;

Result<std::unique_ptr<Source>> WfdbSource::open(Context context) {
  CASEBOX_TRY(const auto input, ByteInput::open(context.config.url()));
  const std::filesystem::path folder = std::filesystem::path(context.config.url()).parent_path();
  const Bytes header = input.read_at(0, kMaxHea);
  return over(std::move(context), header, [folder](const std::string& name) {
    return ByteInput::open((folder / name).string());
  });
}

Result<std::unique_ptr<Source>> WfdbSource::over(Context context, const Bytes& header,
                                                 Folder folder) {
  std::unique_ptr<WfdbSource> source(new WfdbSource);
  source->impl_->folder = std::move(folder);
  CASEBOX_TRY(source->impl_->header, internal::read_wfdb_header(header, context.config.url()));
  CASEBOX_CHECK(source->begin(context));
  return std::unique_ptr<Source>(std::move(source));
}

Result<WfdbHeader> WfdbSource::Impl::read_header(const std::string& of) {
  if (!internal::is_plain_name(of))
    return Error{Code::kInvalidArgument, path +
                                             ": a segment stands in another folder; put it beside "
                                             "the header"};
  CASEBOX_TRY(const auto input, folder(of + ".hea"));
  return internal::read_wfdb_header(input.read_at(0, kMaxHea), of + ".hea");
}

Result<void> WfdbSource::begin(const Context& context) {
  const v1::SourceConfig& config = context.config;
  Impl& impl = *impl_;
  impl.path = config.url();
  impl.name = internal::base_name(config.url());
  impl.skipped = &skipped_;
  CASEBOX_CHECK(text::check_encoding(config.encoding()));
  impl.texts = text::Reader(config.encoding());
  if (impl.header.segments.empty()) {
    impl.segments.push_back({impl.header.record, impl.header.frames});
  } else {
    impl.segments = impl.header.segments;
  }
  CASEBOX_CHECK(impl.plan(streams_, config));
  uint64_t frames = 0;
  for (const WfdbSegment& segment : impl.segments) {
    impl.starts.push_back(frames);
    frames += segment.frames;
  }
  impl.read_marks(streams_, config);
  if (streams_.empty())
    return Error{Code::kInvalidArgument, impl.path +
                                             ": this is the header of a WFDB record without "
                                             "signals or annotations; nothing to record"};
  CASEBOX_TRY(impl.clock.start_ns, internal::start_of(config));
  // A signal that is late begins before the record.
  uint32_t skew = 0;
  for (const WfdbLane& lane : impl.lanes) skew = std::max(skew, lane.skew);
  impl.base_ns = impl.header.wall.kind == Wall::Kind::kNone ? 0 : impl.header.wall.ns;
  impl.clock.origin_ns = impl.base_ns - impl.header.rate.ns_of(skew);
  impl.clock.quantum_ns = 1000;
  if (impl.header.remarks)
    impl.say("the header's remarks may tell of a patient; they are left out");
  return ok();
}

// Channels by what stands in the header, or in the headers of all segments.
Result<void> WfdbSource::Impl::plan(std::vector<v1::Stream>& streams,
                                    const v1::SourceConfig& config) {
  std::vector<WfdbHeader> headers;
  const bool several = !header.segments.empty();
  if (!several) {
    headers.push_back(header);
  } else {
    for (const WfdbSegment& part : segments) {
      if (part.name == "~") continue;
      auto one = read_header(part.name);
      if (one && !one->segments.empty())
        return Error{Code::kUnsupported, path +
                                             ": a segment has segments of its own; import them "
                                             "one by one"};
      if (one && one->rate == header.rate) headers.push_back(std::move(*one));
    }
  }
  const std::string device = config.device().empty() ? "recorder" : config.device();
  std::map<std::tuple<uint32_t, uint32_t>, size_t> groups;
  std::map<std::pair<std::string, int>, std::pair<size_t, size_t>> known;  // lane and channel
  for (const WfdbHeader& one : headers) {
    std::map<std::string, int> times;  // a description may come twice in one
    for (const WfdbSignal& signal : one.signals) {
      texts.see(signal.description);
      texts.see(signal.unit);
      const int nth = several ? times[signal.description]++ : 0;
      const std::pair key(signal.description, nth);
      if (several)
        if (const auto found = known.find(key); found != known.end()) {
          WfdbChannel& channel = lanes[found->second.first].channels[found->second.second];
          channel.physical = channel.physical || channel.like.gain != signal.gain ||
                             channel.like.baseline != signal.baseline;
          continue;
        }
      const std::tuple group(signal.per_frame, signal.skew);
      size_t lane = lanes.size();
      if (!several) lane = groups.try_emplace(group, lanes.size()).first->second;
      if (lane == lanes.size()) {
        const uint64_t num = header.rate.num * signal.per_frame;
        lanes.push_back({0, {num, header.rate.den}, signal.per_frame, signal.skew, {}});
      }
      if (several) known[key] = {lane, 0};
      const size_t place = several ? static_cast<size_t>(nth) : lanes[lane].channels.size();
      lanes[lane].channels.push_back({signal.description, signal, false, place});
    }
  }
  // A record's length may be told by its files alone.
  if (!several && segments[0].frames == 0 && !header.signals.empty()) {
    OpenSegment probe = open_segment(segments[0]);
    uint64_t most = 0;
    for (const WfdbFile& file : probe.files)
      if (file.samples && file.samples->count())
        most = std::max(most, *file.samples->count() / file.per_frame);
    segments[0].frames = most;
    header.frames = most;
  }
  std::vector<Rate> rates;
  for (const WfdbLane& lane : lanes) rates.push_back(lane.rate);
  const std::vector<std::string> names = internal::rate_names(rates);
  std::map<std::string, int> used;
  bool untold = false;
  for (WfdbLane& lane : lanes) {
    lane.stream = streams.size();
    const text::Text first = texts.read(lane.channels[0].description);
    std::string stream_name =
        config.name() + "." +
        (several ? internal::name_part(first, "signal" + std::to_string(lane.stream + 1))
                 : names[lane.stream]);
    if (const int n = ++used[stream_name]; n > 1) stream_name += "_" + std::to_string(n);
    v1::Stream& stream =
        streams.emplace_back(internal::sample_stream(stream_name, lane.rate, device));
    for (WfdbChannel& channel : lane.channels) {
      const text::Text label = texts.read(channel.description),
                       unit = texts.read(channel.like.unit);
      untold = untold || !label.certain || !unit.certain;
      v1::Channel& to = internal::add_channel(
          stream, internal::name_part(label, "signal" + std::to_string(stream.channels_size() + 1)),
          unit.utf8 == "NU" ? "" : unit.utf8,
          channel.physical ? v1::SAMPLE_TYPE_F64 : v1::SAMPLE_TYPE_INT);
      if (channel.physical) {
        say("the gain of signal " + std::to_string(lane.stream + 1) +
            " changes between segments; its values are kept as physical numbers");
        continue;
      }
      to.set_gain(1 / channel.like.gain);
      to.set_offset(-static_cast<double>(channel.like.baseline) / channel.like.gain);
      if (!channel.like.calibrated)
        say("signal " + std::to_string(lane.stream + 1) +
            " is not calibrated; 200 codes a unit are assumed");
    }
  }
  if (untold) skipped->push_back(internal::kept_as_bytes(path));
  return ok();
}

void WfdbSource::Impl::read_marks(std::vector<v1::Stream>& streams,
                                  const v1::SourceConfig& config) {
  if (!internal::is_plain_name(header.record)) return;
  for (const char* annotator : kAnnotators) {
    const auto input = folder(header.record + "." + annotator);
    if (!input) continue;
    auto list = internal::read_wfdb_annotations(input->read_at(0, kMaxAtr));
    if (list.all.empty()) continue;
    if (!list.whole)
      skipped->push_back({header.record + "." + annotator, 0,
                          "ends before its end mark; annotations behind it are lost", true});
    for (const auto& one : list.all) texts.see(one.text);
    const bool usual = std::string_view(annotator) == "atr";
    marks.push_back({streams.size(), std::move(list), 0});
    streams.push_back(internal::event_stream(
        config.name() + ".events" + (usual ? "" : "_" + std::string(annotator)), "annotation"));
  }
}

OpenSegment WfdbSource::Impl::open_segment(const WfdbSegment& of) {
  OpenSegment out;
  out.frames = of.frames;
  if (header.segments.empty()) {
    out.header = header;
  } else if (auto read = read_header(of.name); read) {
    out.header = std::move(*read);
    if (out.header.rate != header.rate) out.unread = true;
  } else {
    out.unread = true;
  }
  if (!out.unread)
    for (const std::string& what : open_files(out, folder, name)) say(what, true);
  return out;
}

void WfdbSource::Impl::put_frames(const OpenSegment& at, uint64_t frames, std::vector<Item>& out) {
  const uint64_t from = starts[segment] + at.done;
  for (const WfdbLane& lane : lanes) {
    internal::Ticks ticks;
    ticks.count = frames * lane.per_frame;
    bool known = false, cut = false;
    for (size_t c = 0; c < lane.channels.size(); ++c) {
      const WfdbChannel& channel = lane.channels[c];
      Column& column = ticks.columns.emplace_back();
      size_t s = 0, skip = channel.nth;
      for (; s < at.header.signals.size(); ++s) {
        const WfdbSignal& signal = at.header.signals[s];
        const bool same = header.segments.empty()
                              ? signal.per_frame == lane.per_frame && signal.skew == lane.skew
                              : signal.description == channel.description;
        if (same && skip-- == 0) break;
      }
      if (s == at.header.signals.size() || at.header.signals[s].file == "~" ||
          at.header.signals[s].per_frame != lane.per_frame)
        continue;
      known = true;
      const WfdbSignal& signal = at.header.signals[s];
      const std::vector<int64_t>& codes = at.codes[s];
      cut = cut || codes.size() < ticks.count;
      if (codes.empty()) continue;
      column.missing = at.missing[s];
      column.missing.resize(static_cast<size_t>(ticks.count), true);
      if (channel.physical) {
        for (const int64_t code : codes)
          column.reals.push_back(static_cast<double>(code - signal.baseline) / signal.gain);
        column.reals.resize(static_cast<size_t>(ticks.count));
      } else {
        column.ints = codes;
        column.ints.resize(static_cast<size_t>(ticks.count));
      }
      if (std::ranges::none_of(column.missing, [](bool m) { return m; })) column.missing.clear();
    }
    const int64_t origin = saturating::subtract(base_ns, header.rate.ns_of(lane.skew));
    internal::put_ticks(lane.stream, clock, lane.rate, origin, from * lane.per_frame,
                        std::move(ticks),
                        !known ? "signal-absent"
                        : cut  ? "file-damaged"
                               : "invalid-samples",
                        out);
  }
}

void WfdbSource::Impl::put_gaps(uint64_t from, uint64_t frames, v1::Gap::Origin origin,
                                const char* reason, std::vector<Item>& out) {
  for (const WfdbLane& lane : lanes) {
    const int64_t late = header.rate.ns_of(lane.skew);
    out.push_back(internal::gap_item(lane.stream, clock, frame_ns(from) - late,
                                     frame_ns(from + frames) - late, origin, reason,
                                     frames * lane.per_frame));
  }
}

void WfdbSource::Impl::put_marks(int64_t until_ns, std::vector<Item>& out) {
  for (Marks& of : marks)
    for (; of.next < of.list.all.size(); ++of.next) {
      const internal::WfdbAnnotation& one = of.list.all[of.next];
      const int64_t after =
          of.list.hz > 0 ? static_cast<int64_t>(std::clamp(
                               static_cast<double>(one.at) / of.list.hz * 1e9, -4e18, 4e18))
                         : header.rate.ns_of(static_cast<uint64_t>(std::max<int64_t>(0, one.at)));
      const int64_t t = saturating::add(base_ns, after);
      if (t >= until_ns) break;
      v1::Event event;
      event.mutable_text()->set_code(one.code);
      std::string text = texts.read(one.text).utf8;
      while (text.ends_with('\0')) text.pop_back();
      for (const auto& [what, value] :
           {std::pair{"subtype", one.subtype}, std::pair{"channel", one.channel},
            std::pair{"number", one.number}})
        if (value != 0)
          text += (text.empty() ? "" : " ") + std::string(what) + "=" + std::to_string(value);
      event.mutable_text()->set_text(text);
      out.push_back(internal::event_item(of.stream, clock, t, std::move(event)));
    }
}

Result<bool> WfdbSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.segment >= impl.segments.size()) {
    const size_t before = out.size();
    impl.put_marks(INT64_MAX, out);
    return out.size() > before;
  }
  const WfdbSegment& segment = impl.segments[impl.segment];
  const uint64_t start = impl.starts[impl.segment];
  if (!impl.open && segment.frames > 0) {
    if (segment.name == "~") {
      impl.put_gaps(start, segment.frames, v1::Gap::ORIGIN_SOURCE, "missing-rows", out);
    } else {
      impl.open = impl.open_segment(segment);
      if (impl.open->unread) {
        impl.say("segment " + std::to_string(impl.segment + 1) + " cannot be read", true);
        impl.put_gaps(start, segment.frames, v1::Gap::ORIGIN_DECODE, "segment-missing", out);
        impl.open.reset();
      }
    }
    impl.put_marks(impl.frame_ns(start), out);
  }
  if (impl.open && impl.open->done < impl.open->frames) {
    OpenSegment& at = *impl.open;
    const bool over = std::ranges::all_of(
        at.files, [](const WfdbFile& file) { return !file.samples || file.ended; });
    const uint64_t left = at.frames - at.done;
    if (over && at.done > 0) {  // what is missing to the end, at once
      impl.say("its signals end " + std::to_string(left) + " frames early", true);
      impl.put_gaps(start + at.done, left, v1::Gap::ORIGIN_DECODE, "file-damaged", out);
      at.done = at.frames;
      return true;
    }
    size_t per_frame = 1;
    for (const WfdbSignal& signal : at.header.signals) per_frame += signal.per_frame;
    const uint64_t frames =
        over ? left : std::min<uint64_t>(left, std::max<size_t>(1, kSamplesAtOnce / per_frame));
    if (over) {
      impl.put_gaps(start, left, v1::Gap::ORIGIN_DECODE,
                    at.files.empty() ? "signal-absent" : "segment-missing", out);
      at.done = at.frames;
      return true;
    }
    internal::read_frames(at, frames);
    impl.put_frames(at, frames, out);
    at.done += frames;
    impl.put_marks(impl.frame_ns(start + at.done), out);
    return true;
  }
  if (impl.open)
    for (const size_t s : internal::wrong_sums(*impl.open))
      impl.say(
          "the samples of signal " + std::to_string(s + 1) +
          (impl.header.segments.empty() ? "" : " in segment " + std::to_string(impl.segment + 1)) +
          " do not add up to the header's checksum: one of the two was changed");
  impl.open.reset();
  ++impl.segment;
  return true;
}

std::vector<ClockState> WfdbSource::clocks() const { return {impl_->clock.state()}; }
Wall WfdbSource::wall() const { return {impl_->header.wall.kind, impl_->clock.origin_ns}; }
void WfdbSource::move(Duration by) { impl_->clock.start_ns += by.ns; }
Duration WfdbSource::length() const {
  return impl_->clock.map(impl_->frame_ns(impl_->frames())) - CaseTime{};
}

std::vector<std::string> wfdb_companions(const std::string& header) {
  std::vector<std::string> out;
  const auto folder = std::filesystem::path(header).parent_path();
  const auto add = [&](const std::string& name) {
    std::error_code error;
    const auto path = folder / name;
    if (internal::is_plain_name(name) && std::filesystem::is_regular_file(path, error))
      out.push_back(path.string());
  };
  const auto of = [&](const std::string& path) -> std::optional<WfdbHeader> {
    const auto input = ByteInput::open(path);
    if (!input) return std::nullopt;
    auto read = internal::read_wfdb_header(input->read_at(0, kMaxHea), path);
    if (!read) return std::nullopt;
    for (const WfdbSignal& signal : read->signals) add(signal.file);
    return std::move(*read);
  };
  const auto all = of(header);
  if (!all) return out;
  for (const char* annotator : kAnnotators) add(all->record + "." + annotator);
  for (const WfdbSegment& segment : all->segments) {
    if (!internal::is_plain_name(segment.name)) continue;
    add(segment.name + ".hea");
    of((folder / (segment.name + ".hea")).string());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace casebox::recorder
