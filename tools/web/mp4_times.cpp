#include "tools/web/mp4_times.h"

#include <optional>
#include <string>

namespace casebox::tools::web {
namespace {

Error bad(const char* what) {
  return {Code::kCorrupt, std::string("MP4: ") + what + "; the stream cannot be played from here"};
}

/// The content of the first box `type` in `bytes`; nullopt when there is none, kCorrupt when a box
/// does not fit.
Result<std::optional<BytesView>> find(BytesView bytes, BytesView type) {
  while (bytes.size() >= 8) {
    uint64_t size = load_be<uint32_t>(bytes.data());
    size_t header = 8;
    if (size == 1) {
      if (bytes.size() < 16) return bad("a box without its 64-bit size");
      size = load_be<uint64_t>(bytes.data() + 8);
      header = 16;
    } else if (size == 0) {
      size = bytes.size();
    }
    if (size < header || size > bytes.size()) return bad("a box larger than what holds it");
    if (bytes.substr(4, 4) == type)
      return std::optional<BytesView>(bytes.substr(header, size - header));
    bytes.remove_prefix(size);
  }
  return std::optional<BytesView>();
}

Result<BytesView> descend(BytesView bytes, std::initializer_list<BytesView> path) {
  for (BytesView type : path) {
    CASEBOX_TRY(auto inner, find(bytes, type));
    if (!inner) return bad("a box that must be there is missing");
    bytes = *inner;
  }
  return bytes;
}

}  // namespace

Result<uint32_t> media_timescale(BytesView init_segment) {
  CASEBOX_TRY(auto mdhd, descend(init_segment, {"moov", "trak", "mdia", "mdhd"}));
  if (mdhd.empty()) return bad("an empty mdhd");
  const size_t at = mdhd[0] == 1 ? 4 + 16 : 4 + 8;
  if (mdhd.size() < at + 4) return bad("a short mdhd");
  const auto scale = load_be<uint32_t>(mdhd.data() + at);
  if (scale == 0) return bad("a timescale of zero");
  return scale;
}

Result<int64_t> first_presentation(BytesView fragment) {
  CASEBOX_TRY(auto traf, descend(fragment, {"moof", "traf"}));
  CASEBOX_TRY(auto tfdt, descend(traf, {"tfdt"}));
  CASEBOX_TRY(auto trun, descend(traf, {"trun"}));
  if (tfdt.size() < 8 || (tfdt[0] == 1 && tfdt.size() < 12)) return bad("a short tfdt");
  uint64_t decode =
      tfdt[0] == 1 ? load_be<uint64_t>(tfdt.data() + 4) : load_be<uint32_t>(tfdt.data() + 4);
  if (decode > (uint64_t{1} << 62)) return bad("a decode time out of range");
  if (trun.size() < 8) return bad("a short trun");
  const uint32_t flags = load_be<uint32_t>(trun.data()) & 0xFFFFFF;
  const uint32_t count = load_be<uint32_t>(trun.data() + 4);
  if (count == 0 || (flags & 0x800) == 0) return static_cast<int64_t>(decode);
  size_t at = 8;
  for (uint32_t bit : {0x1u, 0x4u, 0x100u, 0x200u, 0x400u})
    if (flags & bit) at += 4;
  if (trun.size() < at + 4) return bad("a short trun");
  // Version 0 has the offset unsigned; encoders write small ones either way.
  return static_cast<int64_t>(decode) + static_cast<int32_t>(load_be<uint32_t>(trun.data() + at));
}

}  // namespace casebox::tools::web
