#include "recorder/sources/internal/media_input.h"

#include <algorithm>
#include <cstring>

#include "proto/text/written_time.h"
#include "recorder/sources/internal/codec_string.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int kIoBuffer = 64 << 10;
constexpr int kMaxStreams = 64;
constexpr int64_t kEarliest = 631'152'000'000'000'000;  // 1990: earlier is a clock nobody set

std::string value(const AVDictionary* of, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(of, key, nullptr, 0);
  return entry == nullptr ? "" : entry->value;
}

}  // namespace

int MediaInput::read(void* self, uint8_t* into, int size) {
  auto& input = *static_cast<MediaInput*>(self);
  const size_t n = std::min(static_cast<size_t>(size), input.memory->size() - input.at_);
  if (n == 0) return AVERROR_EOF;
  std::memcpy(into, input.memory->data() + input.at_, n);
  input.at_ += n;
  return static_cast<int>(n);
}

int64_t MediaInput::seek(void* self, int64_t offset, int whence) {
  auto& input = *static_cast<MediaInput*>(self);
  const auto size = static_cast<int64_t>(input.memory->size());
  if (whence & AVSEEK_SIZE) return size;
  int64_t base = 0;
  if ((whence & ~AVSEEK_FORCE) == SEEK_CUR) base = static_cast<int64_t>(input.at_);
  if ((whence & ~AVSEEK_FORCE) == SEEK_END) base = size;
  if (offset < -base || offset > size - base) return AVERROR(EINVAL);
  input.at_ = static_cast<size_t>(base + offset);
  return base + offset;
}

int MediaInput::open(bool with_edits) {
  close();
  format = avformat_alloc_context();
  format->interrupt_callback = {
      [](void* self) -> int { return static_cast<MediaInput*>(self)->interrupted(); }, this};
  if (memory) {
    at_ = 0;
    io_ = avio_alloc_context(static_cast<unsigned char*>(av_malloc(kIoBuffer)), kIoBuffer, 0, this,
                             read, nullptr, seek);
    format->pb = io_;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
  }
  format->max_streams = kMaxStreams;
  // Where a container tells only when pictures are decoded, when they are shown follows from it.
  if (!live) format->flags |= AVFMT_FLAG_GENPTS;
  AVDictionary* options = nullptr;
  if (live) av_dict_set(&options, "rw_timeout", "5000000", 0);
  if (!with_edits) av_dict_set(&options, "ignore_editlist", "1", 0);
  const int r = avformat_open_input(&format, url.c_str(), nullptr, &options);
  av_dict_free(&options);
  return r;
}

void MediaInput::close() {
  avformat_close_input(&format);
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

MediaFacts facts_of(MediaInput& input) {
  MediaFacts out;
  AVFormatContext& format = *input.format;
  const auto created = text::parse_iso(value(format.metadata, "creation_time"));
  if (created && created->utc_ns > kEarliest) out.begin_utc_ns = created->utc_ns;
  out.timecode = !value(format.metadata, "timecode").empty();
  for (unsigned i = 0; i < format.nb_streams; ++i)
    out.timecode = out.timecode || !value(format.streams[i]->metadata, "timecode").empty();
  if (std::strstr(format.iformat->name, "matroska") == nullptr || format.pb == nullptr) return out;
  const int64_t back = avio_tell(format.pb), size = avio_size(format.pb);
  if (size <= 0) return out;
  out.damage = find_ebml_damage(
      [&](uint64_t offset, unsigned char* into, size_t n) -> size_t {
        if (avio_seek(format.pb, static_cast<int64_t>(offset), SEEK_SET) < 0) return 0;
        return static_cast<size_t>(std::max(0, avio_read(format.pb, into, static_cast<int>(n))));
      },
      static_cast<uint64_t>(size));
  avio_seek(format.pb, back, SEEK_SET);
  return out;
}

bool all_known(const AVFormatContext& format) {
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVCodecParameters& codec = *format.streams[i]->codecpar;
    if (codec.codec_type == AVMEDIA_TYPE_VIDEO && codec.width == 0) return false;
    if (codec.codec_type == AVMEDIA_TYPE_AUDIO && codec.sample_rate == 0) return false;
  }
  return format.nb_streams > 0;
}

bool is_served_file(const AVFormatContext& format) {
  return format.duration != AV_NOPTS_VALUE && format.duration > 0 && format.pb != nullptr &&
         (format.pb->seekable & AVIO_SEEKABLE_NORMAL) != 0;
}

void describe(const AVStream& from, v1::MediaFormat& media) {
  const AVCodecParameters& codec = *from.codecpar;
  const bool video = codec.codec_type == AVMEDIA_TYPE_VIDEO;
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
}

std::string av_reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

std::string described(unsigned index, const AVCodecParameters& codec) {
  const char* type = av_get_media_type_string(codec.codec_type);
  return "track " + std::to_string(index + 1) + " (" + (type == nullptr ? "unknown" : type) + ", " +
         avcodec_get_name(codec.codec_id) + ")";
}

}  // namespace casebox::recorder::internal
