// A frame from a stranger: parsed, its body unpacked, and what parses encodes to the same bytes.

#include <cstdint>
#include <cstdlib>

#include "proto/frame/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace frame = casebox::frame;
  const casebox::BytesView bytes(reinterpret_cast<const char*>(data), size);
  (void)frame::unpack_body(bytes, 1 << 20);
  auto header = frame::parse_header(bytes);
  // With its checksum put right, so that the fuzzer gets behind it.
  casebox::Bytes repaired(bytes);
  if (header && frame::kHeaderSize + header->body_size <= size) {
    repaired.resize(frame::kHeaderSize + header->body_size);
    auto encoded = frame::encode(*header, casebox::BytesView(repaired).substr(frame::kHeaderSize));
    if (encoded) repaired = *encoded;
  }
  for (casebox::BytesView each : {bytes, casebox::BytesView(repaired)}) {
    auto view = frame::parse(each);
    if (!view) continue;
    if (view->bytes.size() > each.size() || view->body.size() > frame::kMaxBody) std::abort();
    auto encoded = frame::encode(view->header, view->body);
    if (!encoded || *encoded != view->bytes) std::abort();
    (void)frame::leaf_hash(*view);
    (void)frame::unpack_body(view->body, 1 << 20);
  }
  return 0;
}
