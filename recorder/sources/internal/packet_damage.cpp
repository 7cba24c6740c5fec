#include "recorder/sources/internal/packet_damage.h"

#include <algorithm>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace casebox::recorder::internal {
namespace {

// More than any stuffing that is known between NAL units, and than three decoders would bear.
constexpr size_t kZeroes = 16;
constexpr size_t kZeroesAtEnd = 64;
constexpr size_t kZeroesOfCoder = 256;

/// Calls `visit(from, to)` with each run of at least `least` zeroes; true once it says so.
template <typename Visit>
bool any_zeroes(BytesView bytes, size_t least, const Visit& visit) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t from = bytes.find('\0', at);
    if (from == BytesView::npos) return false;
    const size_t to = std::min(bytes.find_first_not_of('\0', from), bytes.size());
    if (to - from >= least && visit(from, to)) return true;
    at = to;
  }
  return false;
}

bool bad_unit(BytesView unit) {
  return any_zeroes(unit, kZeroes, [&](size_t from, size_t to) {
    return to < unit.size() || from == 0 || to - from >= kZeroesAtEnd;
  });
}

bool bad_lengths(BytesView packet, size_t length_size) {
  while (!packet.empty()) {
    if (packet.size() < length_size) return true;
    size_t length = 0;
    for (size_t i = 0; i < length_size; ++i)
      length = length << 8 | static_cast<unsigned char>(packet[i]);
    packet.remove_prefix(length_size);
    // One of no length says nothing; zeroes to the end are what is left of a lost page.
    if (length > packet.size() || (length == 0 && packet.size() >= kZeroes &&
                                   packet.find_first_not_of('\0') == BytesView::npos))
      return true;
    if (bad_unit(packet.substr(0, length))) return true;
    packet.remove_prefix(length);
  }
  return false;
}

}  // namespace

PacketCheck::PacketCheck(const AVCodecParameters& codec) {
  const uint8_t* extra = codec.extradata;
  switch (codec.codec_id) {
    case AV_CODEC_ID_H264:
      kind_ = Kind::kStartCodes;
      if (codec.extradata_size >= 7 && extra[0] == 1) {
        kind_ = Kind::kLengths;
        length_size_ = (extra[4] & 3u) + 1;
      }
      return;
    case AV_CODEC_ID_HEVC:
      kind_ = Kind::kStartCodes;
      if (codec.extradata_size >= 23 && extra[0] == 1) {
        kind_ = Kind::kLengths;
        length_size_ = (extra[21] & 3u) + 1;
      }
      return;
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4: kind_ = Kind::kStartCodes; return;
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1: kind_ = Kind::kEntropy; return;
    case AV_CODEC_ID_MJPEG: kind_ = Kind::kJpeg; return;
    default: return;
  }
}

bool PacketCheck::is_damaged(BytesView packet) const {
  switch (kind_) {
    case Kind::kNone: return false;
    case Kind::kLengths: return bad_lengths(packet, length_size_);
    case Kind::kStartCodes:
      return any_zeroes(packet, kZeroes, [&](size_t from, size_t to) {
        if (to == packet.size()) return from == 0;  // filled up to its end
        return packet[to] != '\x01';
      });
    case Kind::kEntropy:
      return any_zeroes(packet, kZeroesOfCoder,
                        [&](size_t, size_t to) { return to < packet.size(); });
    case Kind::kJpeg: {
      // Headers have tables of zeroes, and programs fill a picture up behind its end.
      const size_t scan = packet.find("\xFF\xDA");
      const BytesView coded = scan == BytesView::npos ? packet : packet.substr(scan);
      return any_zeroes(coded, kZeroesOfCoder,
                        [&](size_t from, size_t to) { return to < coded.size() || from == 0; });
    }
  }
  return false;
}

}  // namespace casebox::recorder::internal
