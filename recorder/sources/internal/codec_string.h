#pragma once

// The name by which a browser knows a codec (RFC 6381), from libavcodec's parameters.
//
// Thread safety: free function.

#include <string>

extern "C" {
struct AVCodecParameters;
}

namespace casebox::recorder::internal {

/// "avc1.64001f", "mp4a.40.2"; empty where only the decoder's configuration can tell.
std::string codec_string(const AVCodecParameters& codec);

}  // namespace casebox::recorder::internal
