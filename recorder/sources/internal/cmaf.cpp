#include "recorder/sources/internal/cmaf.h"

#include <algorithm>
#include <cstring>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int kBuffer = 64 << 10;

std::string reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61
using WriteBuffer = const uint8_t*;
#else
using WriteBuffer = uint8_t*;
#endif

int collect(void* into, WriteBuffer bytes, int size) {
  static_cast<Bytes*>(into)->append(reinterpret_cast<const char*>(bytes),
                                    static_cast<size_t>(size));
  return size;
}

}  // namespace

struct CmafMuxer::Impl {
  AVFormatContext* format = nullptr;
  AVIOContext* io = nullptr;
  AVPacket* packet = nullptr;
  AVRational time_base{1, 1};
  bool started = false;
  Bytes written;  // since it was last taken
  Bytes init;
  std::vector<v1::Packet> table;
  size_t bytes = 0;
  bool sync = false;
  int64_t last_dts = INT64_MIN;  // as told to the muxer

  ~Impl() {
    if (started) av_write_trailer(format);
    if (io != nullptr) av_freep(&io->buffer);
    avio_context_free(&io);
    av_packet_free(&packet);
    avformat_free_context(format);
  }
};

CmafMuxer::CmafMuxer() : impl_(std::make_unique<Impl>()) {}
CmafMuxer::~CmafMuxer() = default;

BytesView display_matrix(const AVStream& stream) {
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  const AVPacketSideData* found =
      av_packet_side_data_get(stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data,
                              AV_PKT_DATA_DISPLAYMATRIX);
  if (found == nullptr) return {};
  return {reinterpret_cast<const char*>(found->data), found->size};
#else
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data == nullptr ? BytesView() : BytesView(reinterpret_cast<const char*>(data), size);
#endif
}

Result<std::unique_ptr<CmafMuxer>> CmafMuxer::open(const AVCodecParameters& codec, int num, int den,
                                                   BytesView matrix) {
  std::unique_ptr<CmafMuxer> muxer(new CmafMuxer);
  Impl& impl = *muxer->impl_;
  const std::string name = avcodec_get_name(codec.codec_id);
  const auto failed = [&](int error, Code code = Code::kUnsupported) {
    return Error{code, "codec '" + name + "' cannot be kept in MP4 fragments: " + reason(error)};
  };
  impl.time_base = {num, den};
  impl.packet = av_packet_alloc();
  if (const int r = avformat_alloc_output_context2(&impl.format, nullptr, "mp4", nullptr); r < 0)
    return failed(r);
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
  impl.io = avio_alloc_context(buffer, kBuffer, 1, &impl.written, nullptr, collect, nullptr);
  if (impl.io == nullptr || impl.packet == nullptr) return failed(AVERROR(ENOMEM), Code::kInternal);
  impl.io->seekable = 0;
  impl.format->pb = impl.io;
  impl.format->flags |= AVFMT_FLAG_FLUSH_PACKETS | AVFMT_FLAG_BITEXACT;
  AVStream* stream = avformat_new_stream(impl.format, nullptr);
  if (stream == nullptr) return failed(AVERROR(ENOMEM), Code::kInternal);
  if (const int r = avcodec_parameters_copy(stream->codecpar, &codec); r < 0) return failed(r);
#if LIBAVFORMAT_VERSION_MAJOR < 61  // later it is among the parameters
  if (!matrix.empty()) {
    auto* copy = static_cast<uint8_t*>(av_memdup(matrix.data(), matrix.size()));
    if (copy == nullptr ||
        av_stream_add_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, copy, matrix.size()) < 0) {
      av_free(copy);
      return failed(AVERROR(ENOMEM), Code::kInternal);
    }
  }
#else
  (void)matrix;
#endif
  stream->codecpar->codec_tag = 0;  // the source container's; the muxer knows its own
  stream->time_base = impl.time_base;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "frag_custom+empty_moov+default_base_moof+skip_trailer", 0);
  if (num == 1) av_dict_set_int(&options, "video_track_timescale", den, 0);
  const int r = avformat_write_header(impl.format, &options);
  av_dict_free(&options);
  if (r < 0) return failed(r);
  impl.started = true;
  avio_flush(impl.io);
  impl.init.swap(impl.written);
  return muxer;
}

Result<std::unique_ptr<CmafMuxer>> CmafMuxer::open(const v1::MediaFormat& media) {
  const AVCodecDescriptor* found = avcodec_descriptor_get_by_name(media.codec().c_str());
  if (found == nullptr)
    return Error{Code::kUnsupported, "codec '" + media.codec() + "' is not known"};
  AVCodecParameters* codec = avcodec_parameters_alloc();
  codec->codec_id = found->id;
  codec->codec_type = found->type;
  codec->width = static_cast<int>(media.width());
  codec->height = static_cast<int>(media.height());
  const Bytes& extra = media.extradata();
  codec->extradata = static_cast<uint8_t*>(av_mallocz(extra.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(codec->extradata, extra.data(), extra.size());
  codec->extradata_size = static_cast<int>(extra.size());
  auto muxer = open(*codec, static_cast<int>(media.time_base().num()),
                    static_cast<int>(media.time_base().den()));
  avcodec_parameters_free(&codec);
  return muxer;
}

const Bytes& CmafMuxer::init_segment() const { return impl_->init; }
size_t CmafMuxer::pending() const { return impl_->table.size(); }
size_t CmafMuxer::pending_bytes() const { return impl_->bytes; }

Result<void> CmafMuxer::add(const SourcePacket& packet) {
  Impl& impl = *impl_;
  const AVRational to = impl.format->streams[0]->time_base;
  if (av_new_packet(impl.packet, static_cast<int>(packet.data.size())) < 0)
    return Error{Code::kInternal, "out of memory for a packet"};
  std::memcpy(impl.packet->data, packet.data.data(), packet.data.size());
  // The muxer wants rising decoding times not above the presentation's; the table keeps the
  // source's own.
  const int64_t length = av_rescale_q(static_cast<int64_t>(packet.duration), impl.time_base, to);
  int64_t dts = impl.last_dts == INT64_MIN ? 0 : impl.last_dts + std::max<int64_t>(1, length);
  if (packet.has_dts || packet.has_pts)
    dts = av_rescale_q(packet.has_dts ? packet.dts : packet.pts, impl.time_base, to);
  if (impl.last_dts != INT64_MIN) dts = std::max(dts, impl.last_dts + 1);
  impl.last_dts = dts;
  impl.packet->dts = dts;
  impl.packet->pts =
      packet.has_pts ? std::max(dts, av_rescale_q(packet.pts, impl.time_base, to)) : dts;
  impl.packet->duration = length;
  impl.packet->flags = packet.key ? AV_PKT_FLAG_KEY : 0;
  const int r = av_write_frame(impl.format, impl.packet);
  av_packet_unref(impl.packet);
  if (r < 0) return Error{Code::kInternal, "a packet does not fit a fragment: " + reason(r)};
  v1::Packet& row = impl.table.emplace_back();
  row.set_pts(packet.pts);
  row.set_dts(packet.dts);
  row.set_duration(packet.duration);
  row.set_flags((packet.key ? 1u : 0u) | (packet.corrupt ? 2u : 0u) |
                (packet.disposable ? 4u : 0u) | (packet.hidden ? 8u : 0u) |
                (packet.has_pts ? 0u : 1u << 8) | (packet.has_dts ? 0u : 1u << 9));
  if (impl.table.size() == 1) impl.sync = packet.key;
  impl.bytes += packet.data.size();
  return ok();
}

Result<Fragment> CmafMuxer::close() {
  Impl& impl = *impl_;
  if (impl.table.empty()) return Error{Code::kInvalidArgument, "a fragment without packets"};
  const int r = av_write_frame(impl.format, nullptr);
  avio_flush(impl.io);
  Fragment out;
  out.sync = impl.sync;
  out.media.mutable_cmaf()->swap(impl.written);
  impl.written.clear();
  const auto rows = std::move(impl.table);
  impl.table.clear();
  impl.bytes = 0;
  if (r < 0) return Error{Code::kInternal, "a fragment cannot be closed: " + reason(r)};
  const auto sizes = sample_sizes(out.media.cmaf());
  if (!sizes || sizes->sizes.size() != rows.size())
    return Error{Code::kInternal, "libavformat made a fragment of another form; its version is " +
                                      std::to_string(avformat_version() >> 16)};
  size_t offset = sizes->payload;
  for (size_t i = 0; i < rows.size(); ++i) {
    v1::Packet& row = *out.media.add_packets();
    row = rows[i];
    row.set_size(sizes->sizes[i]);
    row.set_offset(static_cast<uint32_t>(offset));
    offset += sizes->sizes[i];
  }
  return out;
}

}  // namespace casebox::recorder::internal
