#pragma once

// The frame: the one unit of evidence. Its bytes are made once, by the program that saw the data,
// and travel unchanged: log file, Kafka value, store row, media segment, bundle
// (docs/formats/frame.md).
//
// Thread safety: plain values and free functions.
// Errors: bytes that are not a frame are kCorrupt, with what is wrong in the message.
// Lifetime: a View borrows the bytes it was parsed from.

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox::frame {

constexpr size_t kHeaderSize = 64;
constexpr uint8_t kMagic = 0xCB;
constexpr uint8_t kVersion = 1;
/// A media frame closes before this, so that default broker limits hold; nothing is ever larger.
constexpr size_t kMaxBody = 1 << 20;
/// Sample and event frames close here.
constexpr size_t kTargetBody = 64 << 10;
/// A packet above this is split into parts that each take a number.
constexpr size_t kMaxMediaPart = 768 << 10;

enum class Kind : uint8_t {
  kData = 1,
  kDraft = 2,  // reserved: only in logs, outside identity, chain, tiling and digest
  kGap = 3,
  // On stream 0:
  kCase = 16,
  kStream = 17,
  kKey = 18,
  kClock = 19,
  kPause = 20,
  kBeat = 21,
  kConsent = 22,
};
const char* to_string(Kind kind);

namespace flag {
constexpr uint8_t kSealed = 1;      // body is ciphertext and tag
constexpr uint8_t kSync = 2;        // media: starts with a key frame
constexpr uint8_t kFirst = 4;       // first part of a split packet
constexpr uint8_t kLast = 8;        // last part of a split packet
constexpr uint8_t kRecovered = 16;  // a draft that a crash left uncovered
constexpr uint8_t kDerived = 32;    // made from other records
constexpr uint8_t kAll = 63;
}  // namespace flag

/// The 64 bytes in front of a body. `body_size` and `crc` are filled in by encode.
struct Header {
  Kind kind = Kind::kData;
  uint8_t flags = 0;
  uint32_t body_size = 0;
  uint32_t crc = 0;
  StreamId stream;
  Epoch epoch;
  ItemNumber first;
  uint32_t count = 1;   // items; of a gap, the numbers it takes; at least 1
  uint32_t u95_us = 0;  // 95 % bound of t; kUnknownU95 = no bound can be given
  CaseTime t;           // of the first item, best estimate at capture
  MonoTime t_capture;   // when it arrived
  uint32_t duration_us = 0;
  KeyPeriod period;

  bool has(uint8_t f) const { return (flags & f) != 0; }
  uint64_t next() const { return first.value + count; }
  /// Case time of the frame's end.
  CaseTime end() const { return t + microseconds(duration_us); }
};
constexpr uint32_t kUnknownU95 = 0xFFFFFFFF;

/// (epoch, stream, first number): what makes two frames the same frame.
struct Identity {
  Epoch epoch;
  StreamId stream;
  ItemNumber first;
  auto operator<=>(const Identity&) const = default;
};
inline Identity identity(const Header& h) { return {h.epoch, h.stream, h.first}; }

/// A parsed frame that borrows its bytes.
struct View {
  Header header;
  BytesView body;
  BytesView bytes;  // header and body
};

/// Header fields and body to frame bytes, CRC32C included. kInvalidArgument for a body over
/// kMaxBody or a count of 0.
Result<Bytes> encode(Header header, BytesView body);

/// Writes the 64 header bytes with body_size and crc as they stand in `header`.
void write_header(const Header& header, char* out);

/// Parses and checks one frame at the start of `bytes`, which may hold more behind it.
Result<View> parse(BytesView bytes);

/// Parses the header alone, without a look at the body; checks magic, version, kind, flags and
/// sizes.
Result<Header> parse_header(BytesView bytes);

/// The header as the seal authenticates it: CRC and `recovered` zero.
std::array<char, kHeaderSize> associated_data(const Header& header);

/// A sealed body's nonce: stream and first number, unique under an epoch's keys.
std::array<uint8_t, 12> nonce(const Header& header);

/// CRC32C (Castagnoli) of `bytes`, continuing from `crc` (0 to begin).
uint32_t crc32c(uint32_t crc, BytesView bytes);

/// SHA-256(0x00 || header with CRC zero || SHA-256(body)): RFC 9162's leaf hash of the frame's
/// leaf.
Digest leaf_hash(const View& frame);
/// The same from the 64 header bytes and the SHA-256 of the body.
Digest leaf_hash(BytesView header, const Digest& body);

/// Chain head before the first frame of a stream.
Digest first_head(ProducerId producer, CaseId case_id, StreamId stream, Epoch epoch);

/// SHA-256(0x10 || head || leaf hash).
Digest next_head(const Digest& head, const Digest& leaf);

/// Where the chain of one stream ends.
struct StreamHead {
  Epoch epoch;
  StreamId stream;
  uint64_t next = 0;
  Digest head{};
};

/// Digest of a case, which compares runs, stores and copies: SHA-256 over epoch (8 bytes), stream
/// (4), next number (8), all little-endian, and head of each stream of its recorder that has
/// frames. Since heads commit to every byte before them, it costs no second look at the frames.
/// `heads` in any order.
Digest case_digest(std::vector<StreamHead> heads);

/// Body plaintext <-> protobuf bytes. One byte says how it is compressed (0 stored, 1 zstd), so
/// that compression stays inside the seal. `compress` false: media and coded waves, which do not
/// shrink.
Bytes pack_body(BytesView message, bool compress = true);
/// kCorrupt for an unknown method or a size above `limit`.
Result<Bytes> unpack_body(BytesView packed, size_t limit = 16 << 20);

}  // namespace casebox::frame
