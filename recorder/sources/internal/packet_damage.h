#pragma once

// Packets whose bytes their own codec cannot have made: a disk that gave zeroes for what it lost
// leaves a container whole and its pictures broken.
//
// H.264, HEVC: NAL units stand behind their lengths, or behind start codes, and hold no three
// zeroes in a row (ITU-T H.264 and H.265, 7.4.1). MPEG-1, MPEG-2, MPEG-4 part 2: zeroes stand only
// in front of a start code. VP8, VP9, AV1, MJPEG: hundreds of zeroes in a row come of no entropy
// coder. Sound and uncoded pictures may be all zeroes, and nothing is said of them.
//
// Thread safety: plain value.

#include <cstddef>

#include "proto/base/bytes.h"

extern "C" {
struct AVCodecParameters;
}

namespace casebox::recorder::internal {

class PacketCheck {
 public:
  PacketCheck() = default;
  explicit PacketCheck(const AVCodecParameters& codec);
  bool is_damaged(BytesView packet) const;

 private:
  enum class Kind { kNone, kLengths, kStartCodes, kEntropy, kJpeg };
  Kind kind_ = Kind::kNone;
  size_t length_size_ = 4;
};

}  // namespace casebox::recorder::internal
