#include "recorder/sources/internal/codec_string.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
}

namespace casebox::recorder::internal {
namespace {

std::string avc(const uint8_t* profile) {
  char text[32];
  std::snprintf(text, sizeof text, "avc1.%02x%02x%02x", profile[0], profile[1], profile[2]);
  return text;
}

/// ISO/IEC 14496-15, annex E: profile, which others can decode it, tier and level, constraints.
std::string hevc(const AVCodecParameters& codec) {
  const uint8_t* e = codec.extradata;
  char text[64];
  if (codec.extradata_size < 23 || e[0] != 1) {  // parameter sets behind start codes
    const int profile = std::max(1, codec.profile);
    std::snprintf(text, sizeof text, "hev1.%d.%x.L%d.B0", profile,
                  profile == 1 ? 6u : 1u << std::min(profile, 31), std::max(30, codec.level));
    return text;
  }
  uint32_t others = 0;  // in reverse order of bits
  for (int bit = 0; bit < 32; ++bit)
    if ((e[2 + bit / 8] >> (7 - bit % 8) & 1) != 0) others |= 1u << bit;
  static constexpr const char* kSpaces[] = {"", "A", "B", "C"};
  std::snprintf(text, sizeof text, "hev1.%s%d.%x.%c%d", kSpaces[e[1] >> 6], e[1] & 31, others,
                (e[1] & 32) != 0 ? 'H' : 'L', e[12]);
  std::string out = text;
  int last = 11;
  while (last >= 6 && e[last] == 0) --last;
  for (int i = 6; i <= last; ++i) {
    std::snprintf(text, sizeof text, ".%X", e[i]);
    out += text;
  }
  return out;
}

int depth_of(const AVCodecParameters& codec) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(codec.format));
  return format == nullptr ? 8 : format->comp[0].depth;
}

/// AV1 Codec ISO Media File Format Binding, 5.
std::string av1(const AVCodecParameters& codec) {
  const uint8_t* e = codec.extradata;
  int profile = std::max(0, codec.profile), level = std::max(0, codec.level),
      depth = depth_of(codec);
  bool high = false;
  if (codec.extradata_size >= 4 && e[0] == 0x81) {
    profile = e[1] >> 5;
    level = e[1] & 31;
    high = (e[2] & 0x80) != 0;
    depth = (e[2] & 0x40) == 0 ? 8 : (e[2] & 0x20) != 0 ? 12 : 10;
  }
  char text[64];
  std::snprintf(text, sizeof text, "av01.%d.%02d%c.%02d", profile, level, high ? 'H' : 'M', depth);
  return text;
}

/// VP Codec ISO Media File Format Binding; a level that is not told is the least.
std::string vp9(const AVCodecParameters& codec) {
  char text[64];
  std::snprintf(text, sizeof text, "vp09.%02d.%02d.%02d", std::max(0, codec.profile),
                codec.level > 0 ? codec.level : 10, depth_of(codec));
  return text;
}

}  // namespace

std::string codec_string(const AVCodecParameters& codec) {
  const uint8_t* extra = codec.extradata;
  const int size = codec.extradata_size;
  switch (codec.codec_id) {
    case AV_CODEC_ID_H264:
      if (size >= 4 && extra[0] == 1) return avc(extra + 1);  // AVCDecoderConfigurationRecord
      for (int i = 0; i + 6 < size; ++i)                      // or a sequence parameter set
        if (extra[i] == 0 && extra[i + 1] == 0 && extra[i + 2] == 1 && (extra[i + 3] & 0x1f) == 7)
          return avc(extra + i + 4);
      return "";
    case AV_CODEC_ID_AAC: {
      const int type = size >= 1 ? extra[0] >> 3 : 2;
      return "mp4a.40." + std::to_string(type == 0 || type == 31 ? 2 : type);
    }
    case AV_CODEC_ID_HEVC: return hevc(codec);
    case AV_CODEC_ID_AV1: return av1(codec);
    case AV_CODEC_ID_VP9: return vp9(codec);
    // Object types of ISO/IEC 14496-1: the MP4 registration authority's list.
    case AV_CODEC_ID_MPEG4: return "mp4v.20";
    case AV_CODEC_ID_MPEG1VIDEO: return "mp4v.6a";
    case AV_CODEC_ID_MPEG2VIDEO: return "mp4v.61";
    case AV_CODEC_ID_MJPEG: return "mp4v.6c";
    case AV_CODEC_ID_AC3: return "ac-3";
    case AV_CODEC_ID_EAC3: return "ec-3";
    case AV_CODEC_ID_MP3: return "mp4a.6b";
    case AV_CODEC_ID_OPUS: return "opus";
    case AV_CODEC_ID_FLAC: return "flac";
    default: return "";
  }
}

}  // namespace casebox::recorder::internal
