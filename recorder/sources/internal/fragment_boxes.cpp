// The few boxes of a movie fragment that say where each packet lies in it.

#include "recorder/sources/internal/cmaf.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxSamples = 1 << 16;

/// Content of the first box `type`; `at` receives where it begins in `bytes`.
std::optional<BytesView> find(BytesView bytes, BytesView type, size_t* at = nullptr) {
  size_t offset = 0;
  while (bytes.size() - offset >= 8) {
    uint64_t size = load_be<uint32_t>(bytes.data() + offset);
    size_t header = 8;
    if (size == 1 && bytes.size() - offset >= 16) {
      size = load_be<uint64_t>(bytes.data() + offset + 8);
      header = 16;
    }
    if (size < header || size > bytes.size() - offset) return std::nullopt;
    if (bytes.substr(offset + 4, 4) == type) {
      if (at != nullptr) *at = offset + header;
      return bytes.substr(offset + header, size - header);
    }
    offset += size;
  }
  return std::nullopt;
}

/// Default sample size of a tfhd; 0 if it has none.
uint32_t default_size(BytesView tfhd) {
  if (tfhd.size() < 8) return 0;
  const uint32_t flags = load_be<uint32_t>(tfhd.data()) & 0xFFFFFF;
  size_t at = 8;
  if (flags & 0x1) at += 8;
  if (flags & 0x2) at += 4;
  if (flags & 0x8) at += 4;
  if ((flags & 0x10) == 0 || tfhd.size() < at + 4) return 0;
  return load_be<uint32_t>(tfhd.data() + at);
}

}  // namespace

std::optional<SampleSizes> sample_sizes(BytesView fragment) {
  SampleSizes out;
  const auto moof = find(fragment, "moof");
  const auto mdat = find(fragment, "mdat", &out.payload);
  if (!moof || !mdat) return std::nullopt;
  const auto traf = find(*moof, "traf");
  if (!traf) return std::nullopt;
  const auto tfhd = find(*traf, "tfhd");
  const uint32_t fallback = tfhd ? default_size(*tfhd) : 0;
  uint64_t total = 0;
  BytesView rest = *traf;
  size_t at = 0;
  while (const auto trun = find(rest, "trun", &at)) {
    rest = rest.substr(at + trun->size());
    if (trun->size() < 8) return std::nullopt;
    const uint32_t flags = load_be<uint32_t>(trun->data()) & 0xFFFFFF;
    const uint32_t count = load_be<uint32_t>(trun->data() + 4);
    size_t where = 8 + ((flags & 0x1) ? 4 : 0) + ((flags & 0x4) ? 4 : 0);
    size_t entry = 0, before = 0;
    for (uint32_t bit : {0x100u, 0x200u, 0x400u, 0x800u})
      if (flags & bit) entry += 4;
    if (flags & 0x100) before = 4;
    if (count > kMaxSamples || trun->size() < where + entry * count) return std::nullopt;
    for (uint32_t i = 0; i < count; ++i, where += entry) {
      const uint32_t size =
          (flags & 0x200) ? load_be<uint32_t>(trun->data() + where + before) : fallback;
      total += size;
      out.sizes.push_back(size);
    }
  }
  if (total != mdat->size()) return std::nullopt;
  return out;
}

}  // namespace casebox::recorder::internal
