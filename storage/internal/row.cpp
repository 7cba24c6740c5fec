#include "storage/internal/row.h"

namespace casebox::storage {
namespace {

constexpr uint8_t kGapBit = 0x80;
constexpr size_t kMediaFixed = 4 + 8 + frame::kHeaderSize + 32;

Error corrupt(const char* what) { return Error{Code::kCorrupt, what}; }

}  // namespace

void append_varint(Bytes& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::optional<uint64_t> take_varint(BytesView& in) {
  uint64_t value = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(in[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

void append_trailer(Bytes& out, const RawTrailer& trailer) {
  out.push_back(static_cast<char>(trailer.flags));
  append_varint(out, trailer.source);
  append_varint(out, trailer.offset);
}

Result<RawTrailer> parse_trailer(BytesView bytes) {
  if (bytes.empty()) return corrupt("row has no trailer");
  RawTrailer trailer;
  trailer.flags = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(1);
  auto source = take_varint(bytes);
  auto offset = take_varint(bytes);
  if ((trailer.flags & ~trailer_flag::kAll) != 0 || !source || *source > UINT32_MAX || !offset ||
      !bytes.empty())
    return corrupt("row trailer is damaged");
  trailer.source = static_cast<uint32_t>(*source);
  trailer.offset = *offset;
  return trailer;
}

Result<Row> parse_row(BytesView value) {
  Row row;
  // A frame begins with its magic, a bare trailer with its flags, which stay below it.
  if (!value.empty() && static_cast<uint8_t>(value[0]) == frame::kMagic) {
    CASEBOX_TRY(auto header, frame::parse_header(value));
    const size_t size = frame::kHeaderSize + header.body_size;
    if (value.size() < size) return corrupt("row is shorter than its frame");
    row.frame = value.substr(0, size);
    value.remove_prefix(size);
  }
  CASEBOX_TRY(row.trailer, parse_trailer(value));
  if (row.frame.empty() != ((row.trailer.flags & trailer_flag::kByReference) != 0))
    return corrupt("row has no frame and does not refer to one");
  return row;
}

Bytes encode_media_row(const MediaRow& row) {
  Bytes out;
  out.reserve(kMediaFixed + 16);
  append_be(out, row.file);
  append_be(out, row.offset);
  out.append(row.header);
  out.append(view(row.body_sha256));
  append_trailer(out, row.trailer);
  return out;
}

Result<MediaRow> parse_media_row(BytesView value) {
  if (value.size() < kMediaFixed) return corrupt("media row is too short");
  MediaRow row;
  row.file = load_be<uint32_t>(value.data());
  row.offset = load_be<uint64_t>(value.data() + 4);
  row.header = Bytes(value.substr(12, frame::kHeaderSize));
  CASEBOX_TRY(row.body_sha256, to_digest(value.substr(12 + frame::kHeaderSize, 32)));
  CASEBOX_TRY(row.trailer, parse_trailer(value.substr(kMediaFixed)));
  return row;
}

Bytes encode_proof_row(const ProofRow& row) {
  Bytes out;
  out.push_back(static_cast<char>(static_cast<uint8_t>(row.table) | (row.gap ? kGapBit : 0)));
  append_be(out, row.t.ns);
  append_varint(out, row.count);
  out.append(view(row.leaf));
  out.append(row.inline_frame);
  return out;
}

Result<ProofRow> parse_proof_row(BytesView value) {
  if (value.size() < 9 || (static_cast<uint8_t>(value[0]) & ~kGapBit) > 2)
    return corrupt("proof row is damaged");
  ProofRow row;
  row.table = static_cast<Table>(static_cast<uint8_t>(value[0]) & ~kGapBit);
  row.gap = (static_cast<uint8_t>(value[0]) & kGapBit) != 0;
  row.t.ns = load_be<int64_t>(value.data() + 1);
  value.remove_prefix(9);
  auto count = take_varint(value);
  if (!count || *count == 0 || *count > UINT32_MAX || value.size() < 32)
    return corrupt("proof row is damaged");
  row.count = static_cast<uint32_t>(*count);
  CASEBOX_TRY(row.leaf, to_digest(value.substr(0, 32)));
  row.inline_frame = value.substr(32);
  return row;
}

}  // namespace casebox::storage
