#include "tools/documents/playable_init.h"

#include <optional>
#include <string>

namespace casebox::tools {
namespace {

constexpr uint32_t kFine = 90'000;  // units per second at least

Error bad(const char* what) {
  return {Code::kCorrupt, std::string("MP4: ") + what + "; the stream cannot be played"};
}

/// A box: where it begins and ends, and where its content begins.
struct Box {
  size_t at = 0, content = 0, end = 0;
};

/// The first box `type` between two places; nullopt when there is none.
Result<std::optional<Box>> find(BytesView bytes, size_t from, size_t end, BytesView type) {
  while (end - from >= 8) {
    const uint64_t size = load_be<uint32_t>(bytes.data() + from);
    if (size < 8 || size > end - from) return bad("a box larger than what holds it");
    if (bytes.substr(from + 4, 4) == type)
      return std::optional<Box>(Box{from, from + 8, from + static_cast<size_t>(size)});
    from += static_cast<size_t>(size);
  }
  return std::optional<Box>();
}

Result<Box> needed(BytesView bytes, const Box& in, BytesView type) {
  CASEBOX_TRY(const auto box, find(bytes, in.content, in.end, type));
  if (!box) return bad("a box that must be there is missing");
  return *box;
}

/// The boxes down to the first track's header.
struct Header {
  Box moov, trak, tkhd, mdia;
  size_t timescale_at = 0;
  uint32_t timescale = 0;
  bool edited = false;
};

Result<Header> read(BytesView bytes) {
  Header out;
  const Box all{0, 0, bytes.size()};
  CASEBOX_TRY(out.moov, needed(bytes, all, "moov"));
  CASEBOX_TRY(out.trak, needed(bytes, out.moov, "trak"));
  CASEBOX_TRY(out.tkhd, needed(bytes, out.trak, "tkhd"));
  CASEBOX_TRY(out.mdia, needed(bytes, out.trak, "mdia"));
  CASEBOX_TRY(const Box mdhd, needed(bytes, out.mdia, "mdhd"));
  CASEBOX_TRY(const auto edts, find(bytes, out.trak.content, out.trak.end, "edts"));
  out.edited = edts.has_value();
  if (mdhd.content == mdhd.end) return bad("an empty mdhd");
  out.timescale_at = mdhd.content + (bytes[mdhd.content] == 1 ? 4 + 16 : 4 + 8);
  if (mdhd.end < out.timescale_at + 4) return bad("a short mdhd");
  out.timescale = load_be<uint32_t>(bytes.data() + out.timescale_at);
  if (out.timescale == 0) return bad("a timescale of zero");
  return out;
}

uint32_t fine(uint32_t timescale) {
  return timescale >= kFine ? timescale : timescale * ((kFine + timescale - 1) / timescale);
}

void set(Bytes& out, size_t at, uint32_t value) {
  Bytes field;
  append_be(field, value);
  out.replace(at, field.size(), field);
}

}  // namespace

Result<uint32_t> playable_timescale(BytesView init_segment) {
  CASEBOX_TRY(const Header header, read(init_segment));
  return fine(header.timescale);
}

Result<Bytes> playable_init(BytesView init_segment, uint32_t shown_from) {
  CASEBOX_TRY(const Header header, read(init_segment));
  Bytes out(init_segment);
  set(out, header.timescale_at, fine(header.timescale));
  if (shown_from == 0 || header.edited) return out;
  Bytes edit;  // one entry: from `shown_from` on, as long as there are fragments
  append_be<uint32_t>(edit, 36);
  edit += "edts";
  append_be<uint32_t>(edit, 28);
  edit += "elst";
  for (const uint32_t value : {0u, 1u, 0u, shown_from, 0x10000u}) append_be<uint32_t>(edit, value);
  const auto grow = [&](const Box& box) {
    set(out, box.at, static_cast<uint32_t>(box.end - box.at + edit.size()));
  };
  grow(header.moov);
  grow(header.trak);
  out.insert(header.tkhd.end, edit);
  return out;
}

}  // namespace casebox::tools
