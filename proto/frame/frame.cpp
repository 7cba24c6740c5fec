#include "proto/frame/frame.h"

#include <isa-l/crc.h>
#include <zstd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <memory>

#include "proto/seal/seal.h"

namespace casebox::frame {
namespace {

// Offsets of docs/formats/frame.md.
constexpr size_t kAtMagic = 0, kAtVersion = 1, kAtKind = 2, kAtFlags = 3, kAtBodySize = 4,
                 kAtCrc = 8, kAtStream = 12, kAtEpoch = 16, kAtFirst = 24, kAtCount = 32,
                 kAtU95 = 36, kAtT = 40, kAtCapture = 48, kAtDuration = 56, kAtPeriod = 60,
                 kAtZero = 62;

bool known_kind(uint8_t kind) { return (kind >= 1 && kind <= 3) || (kind >= 16 && kind <= 22); }

Error corrupt(std::string what) { return {Code::kCorrupt, "frame: " + std::move(what)}; }

#if defined(__x86_64__)
// ISA-L leaves the upper halves of the AVX registers dirty, which slows all SSE code that follows.
__attribute__((target("avx"))) void clear_upper_halves() { _mm256_zeroupper(); }
#endif

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kData: return "data";
    case Kind::kDraft: return "draft";
    case Kind::kGap: return "gap";
    case Kind::kCase: return "case";
    case Kind::kStream: return "stream";
    case Kind::kKey: return "key";
    case Kind::kClock: return "clock";
    case Kind::kPause: return "pause";
    case Kind::kConsent: return "consent";
    case Kind::kBeat: return "beat";
  }
  return "unknown";
}

uint32_t crc32c(uint32_t crc, BytesView bytes) {
#if defined(__x86_64__)
  static const bool avx = __builtin_cpu_supports("avx");
#endif
  crc = ~crc;
  while (!bytes.empty()) {
    const size_t n = std::min<size_t>(bytes.size(), 1u << 30);  // the length is an int
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
                      static_cast<int>(n), crc);
    bytes.remove_prefix(n);
  }
#if defined(__x86_64__)
  if (avx) clear_upper_halves();
#endif
  return ~crc;
}

void write_header(const Header& h, char* out) {
  out[kAtMagic] = static_cast<char>(kMagic);
  out[kAtVersion] = static_cast<char>(kVersion);
  out[kAtKind] = static_cast<char>(h.kind);
  out[kAtFlags] = static_cast<char>(h.flags);
  store_le(out + kAtBodySize, h.body_size);
  store_le(out + kAtCrc, h.crc);
  store_le(out + kAtStream, h.stream.value);
  store_le(out + kAtEpoch, h.epoch.value);
  store_le(out + kAtFirst, h.first.value);
  store_le(out + kAtCount, h.count);
  store_le(out + kAtU95, h.u95_us);
  store_le(out + kAtT, h.t.ns);
  store_le(out + kAtCapture, h.t_capture.ns);
  store_le(out + kAtDuration, h.duration_us);
  store_le(out + kAtPeriod, h.period.value);
  store_le(out + kAtZero, uint16_t{0});
}

Result<Bytes> encode(Header header, BytesView body) {
  if (body.size() > kMaxBody)
    return Error{Code::kInvalidArgument, "frame: body of " + std::to_string(body.size()) +
                                             " bytes; at most " + std::to_string(kMaxBody) +
                                             " fit, split it"};
  if (header.count == 0)
    return Error{Code::kInvalidArgument, "frame: a frame takes at least one number"};
  header.body_size = static_cast<uint32_t>(body.size());
  header.crc = 0;
  Bytes bytes(kHeaderSize, '\0');
  bytes.reserve(kHeaderSize + body.size());
  write_header(header, bytes.data());
  bytes += body;
  store_le(bytes.data() + kAtCrc, crc32c(0, bytes));
  return bytes;
}

Result<Header> parse_header(BytesView bytes) {
  if (bytes.size() < kHeaderSize)
    return corrupt("only " + std::to_string(bytes.size()) + " bytes, a header has 64");
  const char* p = bytes.data();
  if (static_cast<uint8_t>(p[kAtMagic]) != kMagic) return corrupt("magic byte is not 0xCB");
  if (static_cast<uint8_t>(p[kAtVersion]) != kVersion)
    return corrupt("format version " + std::to_string(static_cast<uint8_t>(p[kAtVersion])) +
                   ", this program reads 1");
  const auto kind = static_cast<uint8_t>(p[kAtKind]);
  if (!known_kind(kind)) return corrupt("unknown kind " + std::to_string(kind));
  Header h;
  h.kind = static_cast<Kind>(kind);
  h.flags = static_cast<uint8_t>(p[kAtFlags]);
  h.body_size = load_le<uint32_t>(p + kAtBodySize);
  h.crc = load_le<uint32_t>(p + kAtCrc);
  h.stream = StreamId{load_le<uint32_t>(p + kAtStream)};
  h.epoch = Epoch{load_le<uint64_t>(p + kAtEpoch)};
  h.first = ItemNumber{load_le<uint64_t>(p + kAtFirst)};
  h.count = load_le<uint32_t>(p + kAtCount);
  h.u95_us = load_le<uint32_t>(p + kAtU95);
  h.t = CaseTime{load_le<int64_t>(p + kAtT)};
  h.t_capture = MonoTime{load_le<int64_t>(p + kAtCapture)};
  h.duration_us = load_le<uint32_t>(p + kAtDuration);
  h.period = KeyPeriod{load_le<uint16_t>(p + kAtPeriod)};
  if ((h.flags & ~flag::kAll) != 0) return corrupt("unknown flags");
  if (load_le<uint16_t>(p + kAtZero) != 0) return corrupt("reserved bytes are not zero");
  if (h.body_size > kMaxBody)
    return corrupt("body of " + std::to_string(h.body_size) + " bytes is above the limit");
  if (h.count == 0) return corrupt("count is zero");
  if (h.first.value > UINT64_MAX - h.count) return corrupt("item numbers overflow");
  const bool control = kind >= 16;
  if (control != (h.stream == kControlStream))
    return corrupt(control ? "a control frame outside stream 0"
                           : "a data or gap frame in stream 0");
  if (h.has(flag::kSealed) && h.kind != Kind::kData && h.kind != Kind::kDraft)
    return corrupt("only data is ever sealed");
  return h;
}

Result<View> parse(BytesView bytes) {
  View view;
  CASEBOX_TRY(view.header, parse_header(bytes));
  const size_t size = kHeaderSize + view.header.body_size;
  if (bytes.size() < size)
    return corrupt("cut off: " + std::to_string(bytes.size()) + " of " + std::to_string(size) +
                   " bytes");
  view.bytes = bytes.substr(0, size);
  view.body = view.bytes.substr(kHeaderSize);
  char head[kHeaderSize];
  std::memcpy(head, bytes.data(), kHeaderSize);
  store_le(head + kAtCrc, uint32_t{0});
  const uint32_t crc = crc32c(crc32c(0, {head, kHeaderSize}), view.body);
  if (crc != view.header.crc) return corrupt("checksum does not match");
  return view;
}

std::array<char, kHeaderSize> associated_data(const Header& header) {
  Header h = header;
  h.crc = 0;
  h.flags &= static_cast<uint8_t>(~flag::kRecovered);
  std::array<char, kHeaderSize> out;
  write_header(h, out.data());
  return out;
}

std::array<uint8_t, 12> nonce(const Header& header) {
  std::array<uint8_t, 12> out;
  store_le(reinterpret_cast<char*>(out.data()), header.stream.value);
  store_le(reinterpret_cast<char*>(out.data()) + 4, header.first.value);
  return out;
}

Digest leaf_hash(const View& frame) {
  return leaf_hash(frame.bytes.substr(0, kHeaderSize), seal::sha256(frame.body));
}

Digest leaf_hash(BytesView header, const Digest& body) {
  char head[kHeaderSize];
  std::memcpy(head, header.data(), kHeaderSize);
  store_le(head + kAtCrc, uint32_t{0});
  return seal::sha256({BytesView{"\0", 1}, {head, kHeaderSize}, view(body)});
}

Digest first_head(ProducerId producer, CaseId case_id, StreamId stream, Epoch epoch) {
  char place[12];
  store_le(place, stream.value);
  store_le(place + 4, epoch.value);
  return seal::sha256(
      {BytesView{"casebox.chain.v1", 17}, producer.view(), case_id.view(), {place, sizeof place}});
}

Digest next_head(const Digest& head, const Digest& leaf) {
  return seal::sha256({BytesView{"\x10", 1}, view(head), view(leaf)});
}

Digest case_digest(std::vector<StreamHead> heads) {
  std::ranges::sort(heads, {}, [](const StreamHead& at) { return std::pair(at.epoch, at.stream); });
  seal::Sha256 whole;
  for (const StreamHead& at : heads) {
    char place[20];
    store_le(place, at.epoch.value);
    store_le(place + 8, at.stream.value);
    store_le(place + 12, at.next);
    whole.update({place, sizeof place});
    whole.update(view(at.head));
  }
  return whole.finish();
}

namespace {

constexpr char kStored = 0, kZstd = 1;
constexpr size_t kWorthCompressing = 128;

struct Zstd {
  ZSTD_CCtx* compress = ZSTD_createCCtx();
  ZSTD_DCtx* expand = ZSTD_createDCtx();
  ~Zstd() {
    ZSTD_freeCCtx(compress);
    ZSTD_freeDCtx(expand);
  }
};
Zstd& zstd() {
  thread_local Zstd contexts;
  return contexts;
}

}  // namespace

Bytes pack_body(BytesView message, bool compress) {
  Bytes out;
  if (compress && message.size() >= kWorthCompressing) {
    const size_t bound = ZSTD_compressBound(message.size());
    out.resize(1 + bound);
    const size_t n = ZSTD_compressCCtx(zstd().compress, out.data() + 1, bound, message.data(),
                                       message.size(), 1);
    if (ZSTD_isError(n) == 0 && n < message.size()) {
      out[0] = kZstd;
      out.resize(1 + n);
      return out;
    }
  }
  out.assign(1, kStored);
  out += message;
  return out;
}

Result<Bytes> unpack_body(BytesView packed, size_t limit) {
  if (packed.empty()) return corrupt("body is empty, its method is missing");
  const BytesView rest = packed.substr(1);
  if (packed[0] == kStored) {
    if (rest.size() > limit) return corrupt("body is above the limit");
    return Bytes(rest);
  }
  if (packed[0] != kZstd)
    return corrupt("unknown body method " + std::to_string(static_cast<uint8_t>(packed[0])));
  const auto size = ZSTD_getFrameContentSize(rest.data(), rest.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > limit)
    return corrupt("compressed body states no size, or one above the limit");
  Bytes out(size, '\0');
  const size_t n =
      ZSTD_decompressDCtx(zstd().expand, out.data(), out.size(), rest.data(), rest.size());
  if (ZSTD_isError(n) != 0 || n != size) return corrupt("compressed body is damaged");
  return out;
}

}  // namespace casebox::frame
