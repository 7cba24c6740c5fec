#pragma once

// Values of the column families: the frame verbatim with its trailer, the media row, the proof row.
//
// Thread safety: free functions.
// Errors: bytes that do not say what they should are kCorrupt.

#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "storage/store.h"

namespace casebox::storage {

/// Trailer on disk: flags, number of the bus source (family meta), offset.
struct RawTrailer {
  uint8_t flags = 0;
  uint32_t source = 0;
  uint64_t offset = 0;
};
namespace trailer_flag {
constexpr uint8_t kLate = 1;
constexpr uint8_t kGapBefore = 2;
constexpr uint8_t kUnindexed = 4;    // of stores that had an index; means nothing now
constexpr uint8_t kByReference = 8;  // the frame stands in the proof family
constexpr uint8_t kAll = 15;
}  // namespace trailer_flag

void append_varint(Bytes& out, uint64_t value);
/// Takes a varint from the front of `in`; nullopt if there is none.
std::optional<uint64_t> take_varint(BytesView& in);

void append_trailer(Bytes& out, const RawTrailer& trailer);
Result<RawTrailer> parse_trailer(BytesView bytes);

/// A row of the event and wave families: the frame (empty if by reference) and its trailer.
struct Row {
  BytesView frame;
  RawTrailer trailer;
};
Result<Row> parse_row(BytesView value);

/// A row of the media family.
struct MediaRow {
  uint32_t file = 0;
  uint64_t offset = 0;
  Bytes header;  // of the frame, 64 bytes
  Digest body_sha256{};
  RawTrailer trailer;
};
Bytes encode_media_row(const MediaRow& row);
Result<MediaRow> parse_media_row(BytesView value);

/// A row of the proof family: where the frame is and its leaf hash; a stream-0 frame stands here
/// itself.
struct ProofRow {
  Table table = Table::kEvent;
  bool gap = false;  // a gap frame
  CaseTime t;
  uint32_t count = 1;
  Digest leaf{};
  BytesView inline_frame;
};
Bytes encode_proof_row(const ProofRow& row);
Result<ProofRow> parse_proof_row(BytesView value);

}  // namespace casebox::storage
