#include "recorder/sources/media_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>

#include "recorder/clock/one_way_clock.h"
#include "recorder/sources/internal/codec_string.h"
#include "recorder/sources/internal/edit_list.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/media_input.h"
#include "recorder/sources/internal/media_track.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder {
namespace {

constexpr AVRational kNanoseconds{1, 1'000'000'000};
constexpr size_t kPacketsAtOnce = 16;  // of a file; of a device each as it comes
constexpr int64_t kLook = 48 << 10;    // bytes: what is looked at waits in memory meanwhile
constexpr Duration kLongestLive = milliseconds(100);  // a picture waits no longer for the next
constexpr Duration kSlow = milliseconds(50);          // and not at all where they come more seldom
constexpr int kTornWithin = 3;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kStep = kSecondNs;                // a stream's clock that is off by more was set
constexpr int64_t kJoined = 12 * 3600 * kSecondNs;  // and by this much means another recording
constexpr int64_t kLongestDelay = 86'400 * kSecondNs;  // of a first packet behind a file's zero

using internal::Track;

}  // namespace

struct MediaSource::Impl {
  internal::DeviceReader reader;  // outlives the input, which asks it
  internal::MediaInput input;
  internal::MediaFacts facts;
  AVPacket* packet = av_packet_alloc();
  bool live = false;
  bool primed = false;
  bool late_stream = false;
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
  void prime();
  Result<void> take(Track& track, std::vector<Item>& out);
  /// What lies between the last item of a track and `until`.
  Result<void> hole(Track& track, const char* reason, CaseTime until, std::vector<Item>& out);
  Result<void> hide(Track& track, internal::TimedPacket timed, std::vector<Item>& out);
  Result<void> look_for_steps(Track& track, int64_t& decode_ns, std::vector<Item>& out);
};

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
  impl.live = impl.reader.live = impl.input.live();
  impl.reader.opening = context.stopping;
  impl.reader.stopping = &stopping_;
  impl.clock = context.clock;
  impl.case_zero = context.case_zero;
  int r = impl.input.open(true, impl.reader);
  if (r >= 0 && !impl.live) {
    // With its edit list carried out, libavformat leaves out what the list cuts away.
    impl.edits = internal::EditList::of(*impl.input.format);
    if (impl.edits) r = impl.input.open(false, impl.reader);
  }
  if (r >= 0 && impl.live && context.attempt == 0) impl.input.format->probesize = kLook;
  if (r >= 0) r = avformat_find_stream_info(impl.input.format, nullptr);
  if (r >= 0 && impl.live && !impl.input.all_known()) r = AVERROR_INVALIDDATA;
  if (r < 0) {
    const std::string at = impl.input.url + ":0: ";
    if (impl.live)
      return Error{Code::kUnavailable,
                   impl.input.url + ": " + internal::av_reason(r) + "; is the device on?"};
    if (r == AVERROR(ENOENT))
      return Error{Code::kNotFound, impl.input.url + ": no such file; check the path"};
    return Error{
        Code::kInvalidArgument,
        at + "cannot be read as video or audio: " + internal::av_reason(r) +
            "; if it plays elsewhere, ffmpeg -i FILE -c copy NEW.mp4 makes one that is read"};
  }
  impl.reader.opening = nullptr;
  if (impl.live) impl.live = impl.reader.live = !impl.input.is_served_file();
  impl.steps = (impl.input.format->iformat->flags & AVFMT_TS_DISCONT) != 0;
  if (!impl.live) {
    impl.facts = internal::facts_of(impl.input);
    internal::say_facts(impl.facts, internal::base_name(impl.input.url), skipped_);
  }

  int64_t first = INT64_MAX;
  std::array<int, 2> count{};  // video, audio
  std::string unkept;          // a codec that cannot be kept, and of which kind
  std::string all;             // what is in the file
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
    media.set_codec(avcodec_get_name(codec.codec_id));
    media.set_codec_string(internal::codec_string(codec));
    media.mutable_time_base()->set_num(static_cast<uint64_t>(from.time_base.num));
    media.mutable_time_base()->set_den(static_cast<uint64_t>(from.time_base.den));
    media.set_width(static_cast<uint32_t>(std::max(0, codec.width)));
    media.set_height(static_cast<uint32_t>(std::max(0, codec.height)));
    media.set_sample_rate(static_cast<uint32_t>(std::max(0, codec.sample_rate)));
    if (!video)
      media.set_audio_channels(static_cast<uint32_t>(std::max(0, codec.ch_layout.nb_channels)));
    if (from.avg_frame_rate.num > 0 && from.avg_frame_rate.den > 0) {
      media.mutable_frame_rate()->set_num(static_cast<uint64_t>(from.avg_frame_rate.num));
      media.mutable_frame_rate()->set_den(static_cast<uint64_t>(from.avg_frame_rate.den));
    }
    if (codec.extradata_size > 0)
      media.set_extradata(codec.extradata, static_cast<size_t>(codec.extradata_size));
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
  if (!p.has_dts && p.has_pts && track.begun && decode - track.next_ns < kSecondNs)
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
    if (!reader.early()) live_clock.observe(decode, timed.arrival);
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

void MediaSource::Impl::prime() {
  primed = true;
  const auto stamp = [&](const AVPacket& p) -> std::optional<int64_t> {
    const auto index = static_cast<size_t>(p.stream_index);
    const int64_t at = p.dts != AV_NOPTS_VALUE ? p.dts : p.pts;
    if (index >= track_of.size() || track_of[index] < 0 || at == AV_NOPTS_VALUE) return {};
    return av_rescale_q(at, tracks[static_cast<size_t>(track_of[index])].time_base, kNanoseconds);
  };
  const auto now = [&] { return CaseTime{(clock->mono() - case_zero).ns}; };
  if (const auto least = reader.prime(input.format, packet, stamp, now))
    live_clock.observe(least->first, least->second);
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
  if (impl.live && !impl.primed) impl.prime();
  for (size_t i = 0; i < (impl.live ? 1 : kPacketsAtOnce) && !impl.finished; ++i) {
    const int r = impl.reader.read(impl.input.format, impl.packet);
    if (r < 0) {
      CASEBOX_CHECK(
          finish(out, r == AVERROR_EOF || stopping_.load() ? "" : internal::av_reason(r)));
      const bool can_return = impl.live && impl.input.url.find("://") != std::string::npos;
      if (can_return && !stopping_.load())
        return Error{Code::kUnavailable,
                     impl.input.url + ": " +
                         (r == AVERROR_EOF ? "the stream ended" : internal::av_reason(r)) +
                         "; is the device on?"};
      break;
    }
    const auto index = static_cast<size_t>(impl.packet->stream_index);
    const int at = index < impl.track_of.size() ? impl.track_of[index] : -1;
    if (index >= impl.track_of.size() && impl.input.is_media(index) &&
        !std::exchange(impl.late_stream, true))
      skipped_.push_back({internal::base_name(impl.input.url), 0,
                          "a stream that began later is not recorded", true});
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
  const int64_t us =
      impl_->input.format == nullptr ? AV_NOPTS_VALUE : impl_->input.format->duration;
  if (us == AV_NOPTS_VALUE || us <= 0 || us > INT64_MAX / 2000) return {};
  return nanoseconds(impl_->file_clock.start_ns + us * 1000);
}

}  // namespace casebox::recorder
