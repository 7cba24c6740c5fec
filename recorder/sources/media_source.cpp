#include "recorder/sources/media_source.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "recorder/sources/internal/codec_string.h"
#include "recorder/sources/internal/media_reading.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder {
namespace {

constexpr AVRational kNanoseconds{1, 1'000'000'000};
constexpr size_t kPacketsAtOnce = 16;  // of a file; of a device each as it comes
constexpr int64_t kLook = 48 << 10;    // bytes: what is looked at waits in memory meanwhile
constexpr Duration kLongestLive = milliseconds(100);   // a picture waits no longer for the next
constexpr int64_t kLongestDelay = 86'400'000'000'000;  // ns, of a first packet behind a file's zero

using internal::Track;

}  // namespace

struct MediaSource::Impl : internal::MediaReading {};

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
  if (r >= 0 && !impl.live) impl.index = internal::AviIndex::of(*impl.input.format);
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
    return Error{Code::kInvalidArgument, at + internal::why_unreadable(impl.input, r)};
  }
  impl.reader.opening = nullptr;
  if (impl.live) impl.live = impl.reader.live = !impl.input.is_served_file();
  impl.steps = (impl.input.format->iformat->flags & AVFMT_TS_DISCONT) != 0;
  if (!impl.live) {
    impl.facts = internal::facts_of(impl.input, impl.index.has_value());
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
    track.input = i;
    track.fragile = codec.codec_id == AV_CODEC_ID_AV1;
    track.check = internal::PacketCheck(codec);
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

Result<bool> MediaSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  if (impl.live && !impl.primed) impl.prime();
  for (size_t i = 0; i < (impl.live ? 1 : kPacketsAtOnce) && !impl.finished; ++i) {
    const int r = impl.reader.read(impl.input.format, impl.packet);
    if (r < 0) {
      CASEBOX_CHECK(impl.finish(streams_,
                                r == AVERROR_EOF || stopping_.load() ? "" : internal::av_reason(r),
                                CaseTime{length().ns}, out, skipped_));
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
