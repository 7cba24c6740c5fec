#include "recorder/sources/internal/codec_string.h"

#include <cstdint>
#include <cstdio>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace casebox::recorder::internal {
namespace {

std::string avc(const uint8_t* profile) {
  char text[32];
  std::snprintf(text, sizeof text, "avc1.%02x%02x%02x", profile[0], profile[1], profile[2]);
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
    case AV_CODEC_ID_MP3: return "mp4a.6b";
    case AV_CODEC_ID_OPUS: return "opus";
    case AV_CODEC_ID_FLAC: return "flac";
    default: return "";
  }
}

}  // namespace casebox::recorder::internal
