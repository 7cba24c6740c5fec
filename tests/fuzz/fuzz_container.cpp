// The skeletons of AVI, fragmented MP4, FLV, program and transport streams: damage lies inside the
// file, or there is none. The first byte chooses which; what follows is also looked at as a packet.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "recorder/sources/internal/container_walk.h"
#include "recorder/sources/internal/packet_damage.h"

extern "C" {
#include <libavcodec/avcodec.h>
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::recorder::internal;
  if (size == 0) return 0;
  static constexpr std::string_view kFormats[] = {"avi", "mov,mp4", "flv", "mpeg", "mpegts"};
  const std::string_view format = kFormats[data[0] % std::size(kFormats)];
  const AVCodecID codecs[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MPEG4,
                              AV_CODEC_ID_VP9, AV_CODEC_ID_MJPEG};
  const AVCodecID id = codecs[data[0] % std::size(codecs)];
  ++data;
  --size;
  const ReadAt read = [&](uint64_t offset, unsigned char* into, size_t n) -> size_t {
    if (offset > size) __builtin_trap();
    n = std::min(n, size - static_cast<size_t>(offset));
    std::copy_n(data + offset, n, into);
    return n;
  };
  const auto damage = find_container_damage(format, read, size);
  if (damage && damage->offset > size) __builtin_trap();
  (void)lacks_movie_index(read, size);

  AVCodecParameters* codec = avcodec_parameters_alloc();
  codec->codec_id = id;
  unsigned char avcc[23] = {1, 0, 0, 0, 3};
  avcc[21] = 3;
  if (size % 2 == 0) {
    codec->extradata = static_cast<uint8_t*>(av_mallocz(sizeof avcc + 64));
    std::copy_n(avcc, sizeof avcc, codec->extradata);
    codec->extradata_size = sizeof avcc;
  }
  (void)PacketCheck(*codec).is_damaged(std::string_view(reinterpret_cast<const char*>(data), size));
  avcodec_parameters_free(&codec);
  return 0;
}
