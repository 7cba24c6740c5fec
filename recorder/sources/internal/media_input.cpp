#include "recorder/sources/internal/media_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proto/text/written_time.h"
#include "recorder/sources/internal/byte_input.h"
#include "recorder/sources/internal/container_walk.h"
#include "recorder/sources/internal/ebml_walk.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int kIoBuffer = 64 << 10;
constexpr int kMaxStreams = 64;
constexpr int kPipeLooks = 50, kPipeLookMs = 20;
constexpr int64_t kEarliest = 631'152'000'000'000'000;  // 1990: earlier is a clock nobody set

std::string value(const AVDictionary* of, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(of, key, nullptr, 0);
  return entry == nullptr ? "" : entry->value;
}

}  // namespace

bool is_device_url(const std::string& url) {
  if (url.starts_with("file:")) return false;
  if (url.find("://") != std::string::npos || url.starts_with("pipe:") || url.starts_with("/dev/"))
    return true;
  struct stat info {};
  return stat(url.c_str(), &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode));
}

bool MediaInput::is_served_file() const {
  return format->duration != AV_NOPTS_VALUE && format->duration > 0 && format->pb != nullptr &&
         (format->pb->seekable & AVIO_SEEKABLE_NORMAL) != 0;
}

bool MediaInput::all_known() const {
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    const AVCodecParameters& codec = *format->streams[i]->codecpar;
    if (codec.codec_type == AVMEDIA_TYPE_VIDEO && codec.width == 0) return false;
    if (codec.codec_type == AVMEDIA_TYPE_AUDIO && codec.sample_rate == 0) return false;
  }
  return format->nb_streams > 0;
}

bool MediaInput::is_media(size_t index) const {
  const AVMediaType type = format->streams[index]->codecpar->codec_type;
  return type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO;
}

int MediaInput::wait_for_writer(DeviceReader& reader, Fd& pipe) const {
  struct stat info {};
  if (!live() || stat(url.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) return 0;
  auto opened = Fd::open(url, O_RDONLY | O_NONBLOCK);
  if (!opened) return AVERROR(EIO);
  pipe = std::move(*opened);
  pollfd waited{pipe.get(), POLLIN, 0};
  for (int i = 0; i < kPipeLooks && !reader.interrupted(); ++i)
    if (::poll(&waited, 1, kPipeLookMs) > 0 && (waited.revents & POLLIN) != 0) return 0;
  return AVERROR(EAGAIN);
}

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

int MediaInput::open(bool with_edits, DeviceReader& reader) {
  close();
  Fd pipe;  // somebody reads it until libavformat does
  if (const int waited = wait_for_writer(reader, pipe); waited < 0) return waited;
  format = avformat_alloc_context();
  format->interrupt_callback = {DeviceReader::asked, &reader};
  if (memory) {
    at_ = 0;
    io_ = avio_alloc_context(static_cast<unsigned char*>(av_malloc(kIoBuffer)), kIoBuffer, 0, this,
                             read, nullptr, seek);
    format->pb = io_;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
  }
  format->max_streams = kMaxStreams;
  // Where a container tells only when pictures are decoded, when they are shown follows from it.
  if (!live()) format->flags |= AVFMT_FLAG_GENPTS;
  AVDictionary* options = nullptr;
  if (live()) av_dict_set(&options, "rw_timeout", "5000000", 0);
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

MediaFacts facts_of(MediaInput& input, bool indexed) {
  MediaFacts out;
  AVFormatContext& format = *input.format;
  const auto created = text::parse_iso(value(format.metadata, "creation_time"));
  if (created && created->utc_ns > kEarliest) out.begin_utc_ns = created->utc_ns;
  out.timecode = !value(format.metadata, "timecode").empty();
  for (unsigned i = 0; i < format.nb_streams; ++i)
    out.timecode = out.timecode || !value(format.streams[i]->metadata, "timecode").empty();
  const std::string_view name = format.iformat->name;
  if (format.pb == nullptr || indexed) return out;
  const int64_t back = avio_tell(format.pb), size = avio_size(format.pb);
  if (size <= 0) return out;
  const ReadAt read = [&](uint64_t offset, unsigned char* into, size_t n) -> size_t {
    if (avio_seek(format.pb, static_cast<int64_t>(offset), SEEK_SET) < 0) return 0;
    return static_cast<size_t>(std::max(0, avio_read(format.pb, into, static_cast<int>(n))));
  };
  if (name.find("matroska") != name.npos) {
    out.damage = find_ebml_damage(read, static_cast<uint64_t>(size));
  } else {
    out.damage = find_container_damage(name, read, static_cast<uint64_t>(size));
  }
  out.format = format.iformat->long_name == nullptr ? "this format" : format.iformat->long_name;
  avio_seek(format.pb, back, SEEK_SET);
  return out;
}

void say_facts(const MediaFacts& facts, const std::string& file, std::vector<Skipped>& out) {
  if (facts.begin_utc_ns != 0)
    out.push_back({file, 0, "its beginning is taken from the creation time that it tells", false});
  if (facts.timecode)
    out.push_back({file, 0, "the time code that it begins with is not used", false});
  if (facts.damage)
    out.push_back(
        {file, facts.damage->offset,
         facts.damage->ends_early
             ? std::string("the file ends early: its own sizes reach beyond its end")
             : std::string("bytes that are no part of such a file (") + facts.format + ")",
         true});
}

std::string why_unreadable(const MediaInput& input, int error) {
  ByteInput bytes = ByteInput::over({});
  if (!input.memory)
    if (auto opened = ByteInput::open(input.url)) bytes = std::move(*opened);
  const auto read = [&](uint64_t offset, unsigned char* into, size_t n) -> size_t {
    if (input.memory) {
      const BytesView all = *input.memory;
      return offset < all.size() ? all.copy(reinterpret_cast<char*>(into), n, offset) : 0;
    }
    const Bytes piece = bytes.read_at(offset, n);
    std::copy(piece.begin(), piece.end(), into);
    return piece.size();
  };
  if (lacks_movie_index(read, input.memory ? input.memory->size() : bytes.size()))
    return "this is an MP4 or MOV file without its index (moov): the recording was not finished, "
           "or "
           "its end is cut off, and nothing else tells where a picture begins; get the whole file, "
           "or have a repair program such as untrunc make the index anew from another recording "
           "of the same camera";
  return "cannot be read as video or audio: " + av_reason(error) +
         "; if it plays elsewhere, ffmpeg -i FILE -c copy NEW.mp4 makes one that is read";
}

std::string av_reason(int error) {
  if (error == AVERROR_EXIT) return "nothing has come for too long";
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
