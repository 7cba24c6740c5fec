#include "recorder/sources/media_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "proto/base/file.h"
#include "recorder/clock/one_way_clock.h"
#include "recorder/sources/internal/codec_string.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/fragmenter.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder {
namespace {

constexpr AVRational kNanoseconds{1, 1'000'000'000};
constexpr int kIoBuffer = 64 << 10;
constexpr int kMaxStreams = 64;
constexpr int64_t kLook = 48 << 10;  // bytes: what is looked at waits in memory meanwhile
constexpr int kPipeLooks = 50, kPipeLookMs = 20;
constexpr size_t kPacketsAtOnce = 16;  // of a file; of a device each as it comes
constexpr size_t kMostEarly = 1024;
constexpr Duration kWaited = milliseconds(3);         // what takes longer to read was not there yet
constexpr Duration kLongestLive = milliseconds(100);  // a picture waits no longer for the next
constexpr Duration kSlow = milliseconds(50);          // and not at all where they come more seldom
constexpr std::chrono::seconds kPatience(8);          // with a device that sends nothing
constexpr std::chrono::milliseconds kDrain(200);      // for what has arrived before a stop

std::string reason(int error) {
  if (error == AVERROR_EXIT)
    return "nothing has come for " + std::to_string(kPatience.count()) + " s";
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

/// Whether all streams have told what a player has to know of them.
bool all_known(const AVFormatContext& format) {
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVCodecParameters& codec = *format.streams[i]->codecpar;
    if (codec.codec_type == AVMEDIA_TYPE_VIDEO && codec.width == 0) return false;
    if (codec.codec_type == AVMEDIA_TYPE_AUDIO && codec.sample_rate == 0) return false;
  }
  return format.nb_streams > 0;
}

/// A document that somebody serves has an end and can be read again; a device has neither.
bool is_served_file(const AVFormatContext& format) {
  return format.duration != AV_NOPTS_VALUE && format.duration > 0 && format.pb != nullptr &&
         (format.pb->seekable & AVIO_SEEKABLE_NORMAL) != 0;
}

/// Bytes in memory as libavformat reads a file.
struct Memory {
  std::string bytes;
  size_t at = 0;
};

int read_memory(void* opaque, uint8_t* into, int size) {
  auto& memory = *static_cast<Memory*>(opaque);
  const size_t n = std::min(static_cast<size_t>(size), memory.bytes.size() - memory.at);
  if (n == 0) return AVERROR_EOF;
  std::memcpy(into, memory.bytes.data() + memory.at, n);
  memory.at += n;
  return static_cast<int>(n);
}

int64_t seek_memory(void* opaque, int64_t offset, int whence) {
  auto& memory = *static_cast<Memory*>(opaque);
  const auto size = static_cast<int64_t>(memory.bytes.size());
  if (whence & AVSEEK_SIZE) return size;
  int64_t base = 0;
  if ((whence & ~AVSEEK_FORCE) == SEEK_CUR) base = static_cast<int64_t>(memory.at);
  if ((whence & ~AVSEEK_FORCE) == SEEK_END) base = size;
  if (offset < -base || offset > size - base) return AVERROR(EINVAL);
  memory.at = static_cast<size_t>(base + offset);
  return base + offset;
}

/// One stream that is recorded.
struct Track {
  size_t stream = 0;  // in Source::streams()
  AVRational time_base{1, 1};
  std::unique_ptr<internal::Fragmenter> fragments;
  uint64_t packets = 0;
  uint64_t indexed = 0;    // packets the container's index names
  bool cut_short = false;  // the index names bytes behind the file's end
  int64_t next_ns = 0;     // where a packet without times would lie
  CaseTime last_arrival;   // of a live packet
};

}  // namespace

struct MediaSource::Impl {
  AVFormatContext* format = nullptr;
  AVIOContext* io = nullptr;
  AVPacket* packet = av_packet_alloc();
  Memory memory;
  std::string url;
  bool live = false;
  bool finished = false;
  Clock* clock = nullptr;
  MonoTime case_zero;
  internal::FileClock file_clock;
  OneWayClock live_clock;
  const std::atomic<bool>* opening_stopped = nullptr;  // while it is being opened
  const std::atomic<bool>* stopped = nullptr;
  std::optional<std::chrono::steady_clock::time_point> stop_by;
  std::chrono::steady_clock::time_point waits_since = std::chrono::steady_clock::now();
  std::vector<int> track_of;  // by libavformat's index; -1: not recorded
  std::vector<Track> tracks;

  ~Impl() {
    for (AVPacket* waiting : early) av_packet_free(&waiting);
    avformat_close_input(&format);
    if (io != nullptr) av_freep(&io->buffer);
    avio_context_free(&io);
    av_packet_free(&packet);
  }
  CaseTime map(int64_t ns) const { return live ? live_clock.map(ns) : file_clock.map(ns); }
  Fd writer;  // keeps a pipe open while libavformat opens it
  std::string name;
  bool late_stream = false;
  // Of a device: what had been read before anybody could note when it came, and how that ended.
  std::deque<AVPacket*> early;
  int early_end = 0;
  bool primed = false;
  bool observed = false;  // the packet at hand is one of those

  Result<void> wait_for_writer();
  bool interrupted();
  void prime();
  int read();
  Result<void> take(Track& track, std::vector<Item>& out);
};

// Opening a pipe waits for somebody who writes, and nothing ends that wait: so it is opened when
// there is something in it.
Result<void> MediaSource::Impl::wait_for_writer() {
  struct stat info {};
  if (!live || stat(url.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) return ok();
  CASEBOX_TRY(writer, Fd::open(url, O_RDONLY | O_NONBLOCK));
  pollfd waited{writer.get(), POLLIN, 0};
  for (int i = 0; i < kPipeLooks && !interrupted(); ++i)
    if (::poll(&waited, 1, kPipeLookMs) > 0 && (waited.revents & POLLIN) != 0) return ok();
  return Error{Code::kUnavailable, url + ": nobody writes into the pipe; is the device on?"};
}

// What an opening has looked at comes all at once. The one of it that was least delayed tells where
// the device's clock stands, and so when the others came.
void MediaSource::Impl::prime() {
  primed = true;
  const auto arrived = [&] { return CaseTime{(clock->mono() - case_zero).ns}; };
  std::optional<std::pair<int64_t, CaseTime>> least;
  for (CaseTime before = arrived(); early.size() < kMostEarly; before = arrived()) {
    waits_since = std::chrono::steady_clock::now();
    early_end = av_read_frame(format, packet);
    if (early_end < 0) break;
    const CaseTime now = arrived();
    const auto index = static_cast<size_t>(packet->stream_index);
    const int64_t stamp = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (index < track_of.size() && track_of[index] >= 0 && stamp != AV_NOPTS_VALUE) {
      const AVRational base = tracks[static_cast<size_t>(track_of[index])].time_base;
      const int64_t decode = av_rescale_q(stamp, base, kNanoseconds);
      if (!least || now.ns - decode < least->second.ns - least->first) least.emplace(decode, now);
    }
    early.push_back(av_packet_clone(packet));
    av_packet_unref(packet);
    if (now - before > kWaited) break;  // this one has just come
  }
  if (least) live_clock.observe(least->first, least->second);
}

int MediaSource::Impl::read() {
  if (live && !primed) prime();
  observed = !early.empty();
  if (!observed) {
    if (early_end < 0) return std::exchange(early_end, 0);
    waits_since = std::chrono::steady_clock::now();
    return av_read_frame(format, packet);
  }
  av_packet_move_ref(packet, early.front());
  av_packet_free(&early.front());
  early.pop_front();
  return 0;
}

// Asked by libavformat while it waits, and before each reading: an opening is given up at once, a
// device is read for as long as it takes to hand over what has arrived.
bool MediaSource::Impl::interrupted() {
  if (opening_stopped != nullptr && opening_stopped->load()) return true;
  const auto now = std::chrono::steady_clock::now();
  if (!stopped->load()) return live && now - waits_since > kPatience;
  if (!stop_by) stop_by = now + kDrain;
  return !live || now >= *stop_by;
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
  Impl& impl = *source->impl_;
  impl.memory.bytes = std::move(bytes);
  impl.io = avio_alloc_context(static_cast<unsigned char*>(av_malloc(kIoBuffer)), kIoBuffer, 0,
                               &impl.memory, read_memory, nullptr, seek_memory);
  CASEBOX_CHECK(source->begin(std::move(context)));
  return std::unique_ptr<Source>(std::move(source));
}

Result<void> MediaSource::begin(Context context) {
  // libavformat would write to standard error; its findings come as our own errors.
  static std::once_flag quiet;
  std::call_once(quiet, [] { av_log_set_level(AV_LOG_QUIET); });
  Impl& impl = *impl_;
  const v1::SourceConfig& config = context.config;
  impl.url = config.url();
  impl.name = config.name();
  impl.live = impl.io == nullptr && is_device(config);
  impl.opening_stopped = context.stopping;
  impl.stopped = &stopping_;
  impl.clock = context.clock;
  impl.case_zero = context.case_zero;
  impl.format = avformat_alloc_context();
  impl.format->interrupt_callback = {
      [](void* self) -> int { return static_cast<Impl*>(self)->interrupted(); }, &impl};
  impl.format->pb = impl.io;
  if (impl.io != nullptr) impl.format->flags |= AVFMT_FLAG_CUSTOM_IO;
  impl.format->max_streams = kMaxStreams;
  CASEBOX_CHECK(impl.wait_for_writer());
  AVDictionary* options = nullptr;
  if (impl.live) av_dict_set(&options, "rw_timeout", "5000000", 0);
  int r = avformat_open_input(&impl.format, impl.url.c_str(), nullptr, &options);
  av_dict_free(&options);
  if (r >= 0 && impl.live && context.attempt == 0) impl.format->probesize = kLook;
  if (r >= 0) r = avformat_find_stream_info(impl.format, nullptr);
  if (r >= 0 && impl.live && !all_known(*impl.format)) r = AVERROR_INVALIDDATA;
  if (r < 0) {
    const std::string at = impl.url + ":0: ";
    if (impl.live)
      return Error{Code::kUnavailable, impl.url + ": " + reason(r) + "; is the device on?"};
    if (r == AVERROR(ENOENT))
      return Error{Code::kNotFound, impl.url + ": no such file; check the path"};
    return Error{Code::kInvalidArgument,
                 at + "cannot be read as video or audio: " + reason(r) + "; copy it again"};
  }

  impl.opening_stopped = nullptr;
  impl.writer.reset();
  if (impl.live) impl.live = !is_served_file(*impl.format);
  const Code unusable = impl.live ? Code::kUnavailable : Code::kInvalidArgument;
  int64_t first = INT64_MAX;
  std::array<int, 2> count{};  // video, audio
  for (unsigned i = 0; i < impl.format->nb_streams; ++i) {
    AVStream& from = *impl.format->streams[i];
    const AVCodecParameters& codec = *from.codecpar;
    const bool video = codec.codec_type == AVMEDIA_TYPE_VIDEO;
    const bool picture = (from.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    impl.track_of.push_back(-1);
    if ((!video && codec.codec_type != AVMEDIA_TYPE_AUDIO) || picture) {
      from.discard = AVDISCARD_ALL;
      continue;
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
    auto muxer = internal::CmafMuxer::open(codec, from.time_base.num, from.time_base.den);
    if (!muxer) return annotate(std::move(muxer).error(), impl.url + ": " + stream.name());
    media.set_init_segment((*muxer)->init_segment());
    if (from.start_time != AV_NOPTS_VALUE)
      first = std::min(first, av_rescale_q(from.start_time, from.time_base, kNanoseconds));
    Track track;
    track.stream = streams_.size() - 1;
    track.time_base = from.time_base;
    const Duration longest =
        impl.live ? std::min(context.fragment, kLongestLive) : context.fragment;
    track.fragments =
        std::make_unique<internal::Fragmenter>(track.stream, video, longest, std::move(*muxer));
    const int64_t size = impl.live || impl.format->pb == nullptr ? 0 : avio_size(impl.format->pb);
    const int entries = avformat_index_get_entries_count(&from);
    for (int e = 0; size > 0 && e < entries; ++e) {
      const AVIndexEntry* entry = avformat_index_get_entry(&from, e);
      track.cut_short |= entry->pos > size - entry->size;
    }
    track.indexed = static_cast<uint64_t>(std::max(0, entries));
    impl.track_of.back() = static_cast<int>(impl.tracks.size());
    impl.tracks.push_back(std::move(track));
  }
  if (impl.tracks.empty())
    return Error{unusable,
                 impl.url + ":0: no video in it" +
                     (streams_.empty() ? "; is this the file?"
                                       : " and audio is not to be recorded; set record_audio")};
  CASEBOX_TRY(impl.file_clock.start_ns, internal::start_of(config));
  impl.file_clock.origin_ns = first == INT64_MAX ? 0 : first;
  impl.file_clock.quantum_ns =
      std::max<int64_t>(1, av_rescale_q(1, impl.tracks.front().time_base, kNanoseconds));
  for (Track& track : impl.tracks) track.next_ns = impl.file_clock.origin_ns;
  return ok();
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
  p.disposable = (packet->flags & (AV_PKT_FLAG_DISPOSABLE | AV_PKT_FLAG_DISCARD)) != 0;
  const auto ns = [&](int64_t ticks) { return av_rescale_q(ticks, track.time_base, kNanoseconds); };
  const int64_t decode = p.has_dts ? ns(p.dts) : p.has_pts ? ns(p.pts) : track.next_ns;
  track.next_ns = decode + ns(static_cast<int64_t>(p.duration));
  if (live) {
    timed.arrival = CaseTime{(clock->mono() - case_zero).ns};
    if (!observed) live_clock.observe(decode, timed.arrival);
  }
  timed.decode = map(decode);
  timed.present = map(p.has_pts ? ns(p.pts) : decode);
  timed.duration = nanoseconds(ns(static_cast<int64_t>(p.duration)));
  if (!live) timed.arrival = timed.decode;
  ++track.packets;
  const CaseTime arrival = timed.arrival;
  CASEBOX_CHECK(track.fragments->add(std::move(timed),
                                     live ? live_clock.u95_us() : file_clock.u95_us(), out));
  // The next packet may be long in coming, or never come.
  const bool slow = arrival - std::exchange(track.last_arrival, arrival) > kSlow;
  return live && slow ? track.fragments->flush(out) : ok();
}

Result<bool> MediaSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  for (size_t i = 0; i < (impl.live ? 1 : kPacketsAtOnce) && !impl.finished; ++i) {
    const int r = impl.read();
    if (r < 0) {
      CASEBOX_CHECK(finish(out, r == AVERROR_EOF || stopping_.load() ? "" : reason(r)));
      const bool can_return = impl.live && impl.url.find("://") != std::string::npos;
      if (can_return && !stopping_.load())
        return Error{Code::kUnavailable, impl.url + ": " +
                                             (r == AVERROR_EOF ? "the stream ended" : reason(r)) +
                                             "; is the device on?"};
      break;
    }
    const auto index = static_cast<size_t>(impl.packet->stream_index);
    const int at = index < impl.track_of.size() ? impl.track_of[index] : -1;
    const auto type = impl.format->streams[index]->codecpar->codec_type;
    if (index >= impl.track_of.size() &&
        (type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO) &&
        !std::exchange(impl.late_stream, true))
      skipped_.push_back({impl.name, 0, "a stream that began later is not recorded", true});
    Result<void> taken;
    if (at >= 0) taken = impl.take(impl.tracks[static_cast<size_t>(at)], out);
    av_packet_unref(impl.packet);
    if (!taken) return annotate(std::move(taken).error(), impl.url);
  }
  return true;
}

// What the index names and the file does not hold is a gap of known count.
Result<void> MediaSource::finish(std::vector<Item>& out, const std::string& trouble) {
  Impl& impl = *impl_;
  impl.finished = true;
  bool told = false;
  for (Track& track : impl.tracks) {
    CASEBOX_CHECK(track.fragments->flush(out));
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
      skipped_.push_back({internal::base_name(impl.url),
                          static_cast<uint64_t>(std::max<int64_t>(0, avio_tell(impl.format->pb))),
                          short_of
                              ? "the file ends early: " + std::to_string(gap.missing()) +
                                    " packets of " + streams_[track.stream].name() + " are missing"
                              : "cannot be read further: " + trouble,
                          true});
    told = true;
    item.what = std::move(gap);
    out.push_back(std::move(item));
  }
  return ok();
}

std::vector<ClockState> MediaSource::clocks() const {
  const Impl& impl = *impl_;
  if (!impl.live) return {impl.file_clock.state()};
  const OneWayClock& clock = impl.live_clock;
  return {
      {1, clock.offset_ns(), 0, uint64_t{clock.u95_us()} * 1000, clock.resets(), clock.broken()}};
}

bool MediaSource::live() const { return impl_->live; }

Duration MediaSource::length() const {
  const int64_t us = impl_->format == nullptr ? AV_NOPTS_VALUE : impl_->format->duration;
  if (us == AV_NOPTS_VALUE || us <= 0 || us > INT64_MAX / 2000) return {};
  return nanoseconds(impl_->file_clock.start_ns + us * 1000);
}

}  // namespace casebox::recorder
