#include "recorder/sources/media_source.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "recorder/clock/one_way_clock.h"
#include "recorder/sources/internal/device_reader.h"
#include "recorder/sources/internal/edit_list.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/fragmenter.h"
#include "recorder/sources/internal/media_input.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder {
namespace {

constexpr AVRational kNanoseconds{1, 1'000'000'000};
constexpr size_t kPacketsAtOnce = 16;  // of a file; of a device each as it comes
constexpr int64_t kLook = 48 << 10;    // bytes: what is looked at waits in memory meanwhile
// A picture of a device waits so long for the next, and not at all where they come more seldom.
constexpr Duration kLongestLive = milliseconds(100), kSlow = milliseconds(50);
constexpr int kTornWithin = 3;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStep = kSecond;                   // a stream's clock that is off by more was set
constexpr int64_t kJoined = 12 * 3600 * kSecond;     // and by this much means another recording
constexpr int64_t kLongestDelay = 86'400 * kSecond;  // of a first packet behind a file's zero

/// One stream that is recorded.
struct Track {
  size_t stream = 0;  // in Source::streams()
  AVRational time_base{1, 1};
  std::unique_ptr<internal::Fragmenter> fragments;
  uint64_t packets = 0;
  uint64_t indexed = 0;     // packets the container's index names
  bool cut_short = false;   // the index names bytes behind the file's end
  int64_t next_ns = 0;      // where a packet without times would lie
  int64_t shown_ns = 0;     // up to where the edit list shows it; what it hides lies there
  uint64_t hidden = 0;      // packets that it hides
  int64_t moved_by_ns = 0;  // since its clock was set back
  bool begun = false;
  int torn = 0;            // packets were lost on the way: by how many from here it must be said
  bool hole_told = false;  // the damage of the file is
  CaseTime last_arrival;   // of a live packet
};

}  // namespace

struct MediaSource::Impl {
  internal::MediaInput input;
  internal::DeviceReader reader;
  std::string name;
  bool late_stream = false;
  internal::MediaFacts facts;
  AVPacket* packet = av_packet_alloc();
  bool live = false;
  bool finished = false;
  bool steps = false;  // the container's clock may be set: streams as they are sent
  std::optional<internal::EditList> edits;
  int64_t moved_by_ns = 0;  // what the last clock that was set back is moved by
  uint64_t sets = 0;
  uint64_t losses = 0;   // places where packets were lost on the way
  uint64_t unshown = 0;  // packets that do not tell when they are shown
  Clock* clock = nullptr;
  MonoTime case_zero;
  internal::FileClock file_clock;
  OneWayClock live_clock;
  std::vector<int> track_of;  // by libavformat's index; -1: not recorded
  std::vector<Track> tracks;

  ~Impl() { av_packet_free(&packet); }
  CaseTime map(int64_t ns) const { return live ? live_clock.map(ns) : file_clock.map(ns); }
  std::optional<int64_t> decode_of(const AVPacket& looked_at) const;
  Result<void> take(Track& track, std::vector<Item>& out);
  /// What lies between the last item of a track and `until`.
  Result<void> hole(Track& track, const char* reason, CaseTime until, std::vector<Item>& out);
  Result<void> hide(Track& track, internal::TimedPacket timed, std::vector<Item>& out);
  Result<void> look_for_steps(Track& track, int64_t& decode_ns, std::vector<Item>& out);
};

std::optional<int64_t> MediaSource::Impl::decode_of(const AVPacket& looked_at) const {
  const auto index = static_cast<size_t>(looked_at.stream_index);
  const int64_t stamp = looked_at.dts != AV_NOPTS_VALUE ? looked_at.dts : looked_at.pts;
  if (index >= track_of.size() || track_of[index] < 0 || stamp == AV_NOPTS_VALUE) return {};
  const AVRational base = tracks[static_cast<size_t>(track_of[index])].time_base;
  return av_rescale_q(stamp, base, kNanoseconds);
}

MediaSource::MediaSource() : impl_(std::make_unique<Impl>()) {}
MediaSource::~MediaSource() = default;

Result<std::unique_ptr<Source>> MediaSource::open(Context context) {
  std::unique_ptr<MediaSource> source(new MediaSource);
  CASEBOX_CHECK(source->begin(std::move(context)));
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::unique_ptr<Source>> MediaSource::over(Context context, std::string bytes) {
  std::unique_ptr<MediaSource> source(new MediaSource);
  source->impl_->input.memory = std::move(bytes);
  CASEBOX_CHECK(source->begin(std::move(context)));
  return std::unique_ptr<Source>(std::move(source));
}

Result<void> MediaSource::begin(Context context) {
  // libavformat would write to standard error; its findings come as our own errors.
  static std::once_flag quiet;
  std::call_once(quiet, [] { av_log_set_level(AV_LOG_QUIET); });
  Impl& impl = *impl_;
  const v1::SourceConfig& config = context.config;
  impl.input.url = config.url();
  impl.name = config.name();
  impl.clock = context.clock;
  impl.case_zero = context.case_zero;
  impl.live = !impl.input.memory && is_device(config);
  impl.input.live = impl.reader.live = impl.live;
  impl.reader.opening_stopped = context.stopping;
  impl.reader.stopped = &stopping_;
  impl.reader.now = [&impl] { return CaseTime{(impl.clock->mono() - impl.case_zero).ns}; };
  impl.reader.decode_of = [&impl](const AVPacket& packet) { return impl.decode_of(packet); };
  impl.input.interrupted = [&impl] { return impl.reader.interrupted(); };
  CASEBOX_CHECK(impl.reader.wait_for_writer(impl.input.url));
  int r = impl.input.open(true);
  if (r >= 0 && !impl.live) {
    // With its edit list carried out, libavformat leaves out what the list cuts away.
    impl.edits = internal::EditList::of(*impl.input.format);
    if (impl.edits) r = impl.input.open(false);
  }
  if (r >= 0 && impl.live && context.attempt == 0) impl.input.format->probesize = kLook;
  if (r >= 0) r = avformat_find_stream_info(impl.input.format, nullptr);
  if (r >= 0 && impl.live && !internal::all_known(*impl.input.format)) r = AVERROR_INVALIDDATA;
  if (r < 0) return internal::not_opened(impl.input.url, impl.live, r);
  impl.reader.opened();
  if (impl.live && internal::is_served_file(*impl.input.format)) {
    impl.live = impl.input.live = impl.reader.live = false;
    impl.input.format->flags |= AVFMT_FLAG_GENPTS;
  }
  impl.steps = (impl.input.format->iformat->flags & AVFMT_TS_DISCONT) != 0;
  if (!impl.live) look_at_file();

  int64_t first = INT64_MAX;
  int count[2] = {};   // video, audio
  std::string unkept;  // a codec that cannot be kept, and of which kind
  std::string all;     // what is in the file
  for (unsigned i = 0; i < impl.input.format->nb_streams; ++i) {
    AVStream& from = *impl.input.format->streams[i];
    const AVCodecParameters& codec = *from.codecpar;
    const bool video = codec.codec_type == AVMEDIA_TYPE_VIDEO;
    const bool picture = (from.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    impl.track_of.push_back(-1);
    all += (i > 0 ? ", " : "") + internal::described(i, codec);
    if ((!video && codec.codec_type != AVMEDIA_TYPE_AUDIO) || picture) {
      from.discard = AVDISCARD_ALL;
      note(internal::described(i, codec) + " is left out of the record: neither video nor audio");
      continue;
    }
    if (from.start_time != AV_NOPTS_VALUE)
      first = std::min(first, av_rescale_q(from.start_time, from.time_base, kNanoseconds));
    std::unique_ptr<internal::CmafMuxer> muxer;
    if (video || config.record_audio()) {
      auto opened = internal::CmafMuxer::open(codec, from.time_base.num, from.time_base.den,
                                              internal::display_matrix(from));
      if (!opened) {
        from.discard = AVDISCARD_ALL;
        if (unkept.empty() || video) unkept = internal::described(i, codec);
        const std::string how = video ? "-c:v libx264 -crf 16 -c:a copy" : "-c:v copy -c:a aac";
        note(internal::described(i, codec) +
             " is left out of the record: a fragment of MP4 cannot hold it; "
             "ffmpeg -i FILE " +
             how + " NEW.mp4 makes one that it can");
        continue;
      }
      muxer = std::move(*opened);
    }
    v1::Stream& stream = streams_.emplace_back();
    const int n = ++count[video ? 0 : 1];
    stream.set_name(config.name() + (video ? ".video" : ".audio") +
                    (n > 1 ? std::to_string(n) : ""));
    stream.set_kind(video ? v1::STREAM_KIND_VIDEO : v1::STREAM_KIND_AUDIO);
    stream.set_stream_class(v1::STREAM_CLASS_C);
    stream.set_device(config.device().empty() ? (video ? "camera" : "microphone")
                                              : config.device());
    stream.set_clock_id(1);
    stream.set_source_time_unit(std::to_string(from.time_base.num) + "/" +
                                std::to_string(from.time_base.den));
    stream.mutable_tick_rate_hz()->set_den(1);
    if (!video && !config.record_audio()) {
      stream.set_by_policy_absent(true);
      stream.set_policy_reason("audio-not-recorded");
      from.discard = AVDISCARD_ALL;
      continue;
    }
    v1::MediaFormat& media = *stream.mutable_media();
    internal::describe(from, media);
    media.set_init_segment(muxer->init_segment());
    Track track;
    track.stream = streams_.size() - 1;
    track.time_base = from.time_base;
    const Duration longest =
        impl.live ? std::min(context.fragment, kLongestLive) : context.fragment;
    track.fragments =
        std::make_unique<internal::Fragmenter>(track.stream, video, longest, std::move(muxer));
    const int64_t size =
        impl.live || impl.input.format->pb == nullptr ? 0 : avio_size(impl.input.format->pb);
    const int entries = avformat_index_get_entries_count(&from);
    for (int e = 0; size > 0 && e < entries; ++e) {
      const AVIndexEntry* entry = avformat_index_get_entry(&from, e);
      track.cut_short |= entry->pos > size - entry->size;
    }
    track.indexed = static_cast<uint64_t>(std::max(0, entries));
    impl.track_of.back() = static_cast<int>(impl.tracks.size());
    impl.tracks.push_back(std::move(track));
  }
  if (impl.tracks.empty() && !unkept.empty())
    return Error{Code::kUnsupported,
                 impl.input.url + ": " + unkept +
                     " cannot be kept as it is; convert it first: ffmpeg -i FILE -c:v libx264 "
                     "-crf 16 -c:a aac NEW.mp4"};
  if (impl.tracks.empty())
    return Error{
        impl.live ? Code::kUnavailable : Code::kInvalidArgument,
        impl.input.url + ":0: no video in it" +
            (streams_.empty() ? (all.empty() ? "" : ", only " + all) + "; is this the file?"
                              : " and audio is not to be recorded; set record_audio")};
  CASEBOX_TRY(impl.file_clock.start_ns, internal::start_of(config));
  // A container that tells times from its own zero is kept so; one that is sent counts from
  // anywhere.
  const bool anywhere = impl.steps || (first != INT64_MAX && std::abs(first) > kLongestDelay);
  impl.file_clock.origin_ns = first == INT64_MAX || !anywhere ? 0 : first;
  impl.file_clock.quantum_ns =
      std::max<int64_t>(1, av_rescale_q(1, impl.tracks.front().time_base, kNanoseconds));
  for (Track& track : impl.tracks) track.next_ns = impl.file_clock.origin_ns;
  if (impl.edits && impl.edits->repeated() > 0)
    note("its edit list shows " + std::to_string(impl.edits->repeated()) +
         " packets more than once; each is kept once");
  return ok();
}

void MediaSource::look_at_file() {
  Impl& impl = *impl_;
  impl.facts = internal::facts_of(impl.input);
  if (impl.facts.begin_utc_ns != 0)
    note("its beginning is taken from the creation time that it tells");
  if (impl.facts.timecode) note("the time code that it begins with is not used");
  if (const auto& damage = impl.facts.damage)
    skipped_.push_back({internal::base_name(impl.input.url), damage->offset,
                        damage->ends_early
                            ? "the file ends early: its own sizes reach beyond its end"
                            : "bytes that are no part of a Matroska file",
                        true});
}

Result<void> MediaSource::Impl::hole(Track& track, const char* reason, CaseTime until,
                                     std::vector<Item>& out) {
  CASEBOX_CHECK(track.fragments->flush(out));
  losses += std::strcmp(reason, "lost-packets") == 0;
  v1::Gap gap;
  gap.set_origin(std::strcmp(reason, "lost-packets") == 0  ? v1::Gap::ORIGIN_TRANSPORT
                 : std::strcmp(reason, "clock-reset") == 0 ? v1::Gap::ORIGIN_SOURCE
                                                           : v1::Gap::ORIGIN_DECODE);
  gap.set_reason(reason);
  gap.set_count_unknown(true);
  gap.set_t_begin_ns(track.fragments->end().ns);
  gap.set_t_end_ns(std::max(track.fragments->end(), until).ns);
  Item item;
  item.stream = track.stream;
  item.t = CaseTime{gap.t_begin_ns()};
  item.arrival = CaseTime{gap.t_end_ns()};
  item.what = std::move(gap);
  out.push_back(std::move(item));
  return ok();
}

// The clock of a stream as it is sent is set when a recording joins another, or the sender's clock
// is. Back, or on by more than half a day: what follows begins behind what was there, since where
// it lies nothing tells. On by less: it stays where its time says. Either way a gap stands between.
Result<void> MediaSource::Impl::look_for_steps(Track& track, int64_t& decode,
                                               std::vector<Item>& out) {
  const int64_t told = decode;
  decode = saturating::add(told, track.moved_by_ns);
  const int64_t step = saturating::subtract(decode, track.next_ns);
  if (step >= -kStep && step <= kStep) return ok();
  ++sets;
  track.torn = 0;  // the gap below says it
  if (step < -kStep || step > kJoined) {
    // As the other tracks of this recording were moved, where that joins it to what was there.
    track.moved_by_ns = moved_by_ns;
    decode = saturating::add(told, track.moved_by_ns);
    if (std::abs(saturating::subtract(decode, track.next_ns)) > kStep || decode < track.next_ns) {
      track.moved_by_ns = moved_by_ns = saturating::subtract(track.next_ns, told);
      decode = track.next_ns;
    }
  }
  return hole(track, "clock-reset", file_clock.map(decode), out);
}

Result<void> MediaSource::Impl::take(Track& track, std::vector<Item>& out) {
  internal::TimedPacket timed;
  internal::SourcePacket& p = timed.packet;
  p.data.assign(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size));
  p.has_pts = packet->pts != AV_NOPTS_VALUE;
  p.has_dts = packet->dts != AV_NOPTS_VALUE;
  p.pts = p.has_pts ? packet->pts : 0;
  p.dts = p.has_dts ? packet->dts : 0;
  p.duration = static_cast<uint64_t>(std::max<int64_t>(0, packet->duration));
  p.key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
  p.corrupt = (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
  p.disposable = (packet->flags & AV_PKT_FLAG_DISPOSABLE) != 0;
  p.hidden = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
  if (edits) {
    const auto dts = edits->shown(static_cast<size_t>(packet->stream_index), packet->pos);
    p.hidden = !dts;
    if (dts && p.has_dts) {
      p.pts += *dts - p.dts;
      p.dts = *dts;
    }
  }
  const auto ns = [&](int64_t ticks) { return av_rescale_q(ticks, track.time_base, kNanoseconds); };
  if (p.hidden) return hide(track, std::move(timed), out);
  int64_t decode = p.has_dts ? ns(p.dts) : p.has_pts ? ns(p.pts) : track.next_ns;
  if (!p.has_dts && p.has_pts && track.begun && decode - track.next_ns < kSecond)
    decode = std::min(decode, track.next_ns);  // others may be decoded behind it and shown before
  unshown += !p.has_pts;
  const int64_t present = (p.has_pts ? ns(p.pts) : decode) - decode;
  if (steps && !live && track.begun) CASEBOX_CHECK(look_for_steps(track, decode, out));
  const bool jumps =
      track.begun && decode - track.next_ns > ns(static_cast<int64_t>(p.duration)) / 2;
  track.begun = true;
  track.next_ns = decode + ns(static_cast<int64_t>(p.duration));
  if (live) {
    timed.arrival = CaseTime{(clock->mono() - case_zero).ns};
    if (!reader.observed()) live_clock.observe(decode, timed.arrival);
  }
  timed.decode = map(decode);
  timed.present = map(saturating::add(decode, present));
  timed.duration = nanoseconds(ns(static_cast<int64_t>(p.duration)));
  if (!live) timed.arrival = timed.decode;
  track.shown_ns = std::max(track.shown_ns, track.next_ns);
  ++track.packets;
  // libavformat's parsers tell it a packet early or late; where time jumps is where it was.
  if (track.torn > 0 && (jumps || --track.torn == 0)) {
    track.torn = 0;
    CASEBOX_CHECK(hole(track, "lost-packets", timed.decode, out));
  }
  if (p.corrupt && steps) track.torn = kTornWithin;
  if (facts.damage && !track.hole_told && !facts.damage->ends_early && packet->pos >= 0 &&
      static_cast<uint64_t>(packet->pos) > facts.damage->offset) {
    track.hole_told = true;
    CASEBOX_CHECK(hole(track, "file-damaged", timed.decode, out));
  }
  const CaseTime arrival = timed.arrival;
  CASEBOX_CHECK(track.fragments->add(std::move(timed),
                                     live ? live_clock.u95_us() : file_clock.u95_us(), out));
  // The next packet may be long in coming, or never come.
  const bool slow = arrival - std::exchange(track.last_arrival, arrival) > kSlow;
  return live && slow ? track.fragments->flush(out) : ok();
}

// What an edit list cuts away is kept where the cut is, and takes no time there.
Result<void> MediaSource::Impl::hide(Track& track, internal::TimedPacket timed,
                                     std::vector<Item>& out) {
  if (!track.begun && edits) {
    const auto first = edits->first(static_cast<size_t>(packet->stream_index));
    track.shown_ns = av_rescale_q(first.value_or(0), track.time_base, kNanoseconds);
  }
  timed.decode = timed.present = timed.arrival = map(track.shown_ns);
  ++track.packets;
  ++track.hidden;
  return track.fragments->add(std::move(timed), file_clock.u95_us(), out);
}

Result<bool> MediaSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  for (size_t i = 0; i < (impl.live ? 1 : kPacketsAtOnce) && !impl.finished; ++i) {
    const int r = impl.reader.read(*impl.input.format, *impl.packet, impl.live_clock);
    if (r < 0) {
      CASEBOX_CHECK(finish(
          out, r == AVERROR_EOF || stopping_.load() ? "" : internal::DeviceReader::reason(r)));
      const bool can_return = impl.live && impl.input.url.find("://") != std::string::npos;
      if (can_return && !stopping_.load())
        return Error{
            Code::kUnavailable,
            impl.input.url + ": " +
                (r == AVERROR_EOF ? "the stream ended" : internal::DeviceReader::reason(r)) +
                "; is the device on?"};
      break;
    }
    const auto index = static_cast<size_t>(impl.packet->stream_index);
    const int at = index < impl.track_of.size() ? impl.track_of[index] : -1;
    const auto type = impl.input.format->streams[index]->codecpar->codec_type;
    if (index >= impl.track_of.size() &&
        (type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO) &&
        !std::exchange(impl.late_stream, true))
      skipped_.push_back({impl.name, 0, "a stream that began later is not recorded", true});
    Result<void> taken;
    if (at >= 0) taken = impl.take(impl.tracks[static_cast<size_t>(at)], out);
    av_packet_unref(impl.packet);
    if (!taken) return annotate(std::move(taken).error(), impl.input.url);
  }
  return true;
}

// What the index names and the file does not hold is a gap of known count.
Result<void> MediaSource::finish(std::vector<Item>& out, const std::string& trouble) {
  Impl& impl = *impl_;
  impl.finished = true;
  bool told = false;
  if (impl.sets > 0)
    note("its clock was set " + std::to_string(impl.sets) +
         " times: a gap stands at each, and where it was set back what follows stands behind what "
         "was there");
  for (Track& track : impl.tracks) {
    CASEBOX_CHECK(track.fragments->flush(out));
    if (track.torn > 0)
      CASEBOX_CHECK(impl.hole(track, "lost-packets", track.fragments->end(), out));
    if (track.hidden > 0)
      note(std::to_string(track.hidden) + " packets of " + streams_[track.stream].name() +
           " are cut away by the file's edit list: they are kept, and neither shown nor exported");
    if (impl.facts.damage && !track.hole_told) {
      CASEBOX_CHECK(impl.hole(track,
                              impl.facts.damage->ends_early ? "file-truncated" : "file-damaged",
                              CaseTime{length().ns}, out));
      continue;
    }
    const bool short_of = track.cut_short && track.indexed > track.packets;
    if (impl.live || (!short_of && trouble.empty())) continue;
    v1::Gap gap;
    gap.set_origin(v1::Gap::ORIGIN_DECODE);
    gap.set_reason(short_of ? "file-truncated" : "file-damaged");
    if (short_of) {
      gap.set_missing(track.indexed - track.packets);
    } else {
      gap.set_count_unknown(true);
    }
    gap.set_t_begin_ns(track.fragments->end().ns);
    gap.set_t_end_ns(std::max(track.fragments->end().ns, length().ns));
    Item item;
    item.stream = track.stream;
    item.t = CaseTime{gap.t_begin_ns()};
    item.arrival = item.t;
    if (!told)
      skipped_.push_back(
          {internal::base_name(impl.input.url),
           static_cast<uint64_t>(std::max<int64_t>(0, avio_tell(impl.input.format->pb))),
           short_of ? "the file ends early: " + std::to_string(gap.missing()) + " packets of " +
                          streams_[track.stream].name() + " are missing"
                    : "cannot be read further: " + trouble,
           true});
    told = true;
    item.what = std::move(gap);
    out.push_back(std::move(item));
  }
  if (impl.unshown > 0 && !impl.live)
    note(std::to_string(impl.unshown) +
         " packets do not tell when they are shown: they stand where they are decoded");
  if (impl.losses > 0)
    skipped_.push_back({internal::base_name(impl.input.url), 0,
                        "packets were lost on the way at " + std::to_string(impl.losses) +
                            " places: a gap stands at each",
                        true});
  return ok();
}

std::vector<ClockState> MediaSource::clocks() const {
  const Impl& impl = *impl_;
  if (!impl.live) return {impl.file_clock.state()};
  const OneWayClock& clock = impl.live_clock;
  return {
      {1, clock.offset_ns(), 0, uint64_t{clock.u95_us()} * 1000, clock.resets(), clock.broken()}};
}

Wall MediaSource::wall() const {
  // Of case time `start`, which is where the container's own zero lies.
  if (impl_->facts.begin_utc_ns == 0) return {};
  return {Wall::Kind::kUtc, impl_->facts.begin_utc_ns};
}

void MediaSource::move(Duration by) {
  if (!impl_->live) impl_->file_clock.start_ns += by.ns;
}

void MediaSource::note(const std::string& what) {
  skipped_.push_back({internal::base_name(impl_->input.url), 0, what, false});
}

bool MediaSource::live() const { return impl_->live; }

Duration MediaSource::length() const {
  const AVFormatContext* format = impl_->input.format;
  const int64_t us = format == nullptr ? AV_NOPTS_VALUE : format->duration;
  if (us == AV_NOPTS_VALUE || us <= 0 || us > INT64_MAX / 2000) return {};
  return nanoseconds(impl_->file_clock.start_ns + us * 1000);
}

}  // namespace casebox::recorder
