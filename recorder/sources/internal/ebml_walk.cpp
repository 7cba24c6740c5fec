#include "recorder/sources/internal/ebml_walk.h"

#include <algorithm>
#include <array>

namespace casebox::recorder::internal {
namespace {

constexpr uint32_t kEbml = 0x1A45DFA3, kSegment = 0x18538067, kCluster = 0x1F43B675;
constexpr uint64_t kUnknown = UINT64_MAX;
constexpr uint64_t kMaxElements = 64u << 20;

// What may stand in a segment and in a cluster; Void and CRC-32 anywhere.
constexpr std::array kInSegment = {0x114D9B74u, 0x1549A966u, 0x1654AE6Bu, 0x1043A770u, kCluster,
                                   0x1C53BB6Bu, 0x1941A469u, 0x1254C367u, 0xECu,       0xBFu};
constexpr std::array kInCluster = {0xE7u, 0x5854u, 0xA7u, 0xABu, 0xA3u, 0xA0u, 0xAFu, 0xECu, 0xBFu};

struct Element {
  uint32_t id = 0;
  uint64_t size = 0;  // of its content; kUnknown
  uint64_t content = 0;
};

class Walk {
 public:
  Walk(const ReadAt& read, uint64_t size) : read_(read), size_(size) {}

  std::optional<FileDamage> run() {
    Element head, segment;
    if (!element(0, head) || head.id != kEbml || head.size == kUnknown || head.size > 4096)
      return std::nullopt;
    if (!element(head.content + head.size, segment) || segment.id != kSegment) return std::nullopt;
    const uint64_t end = segment.size == kUnknown ? kUnknown : segment.content + segment.size;
    uint64_t at = segment.content;
    while (at < std::min(end, size_)) {
      Element e;
      if (!element(at, e)) return bad(at);
      if (std::ranges::find(kInSegment, e.id) == kInSegment.end()) return bad(at);
      if (e.id == kCluster) {
        if (const auto damage = cluster(e, at)) return damage;
        continue;
      }
      if (e.size == kUnknown || e.size > size_ - e.content) return bad(at);
      at = e.content + e.size;
      if (++seen_ > kMaxElements) return std::nullopt;
    }
    if (end != kUnknown && end > size_) return FileDamage{size_, true};
    return std::nullopt;
  }

 private:
  std::optional<FileDamage> bad(uint64_t at) const { return FileDamage{at, size_ - at < 12}; }

  /// Moves `at` behind the cluster; one of unknown size ends where something else begins.
  std::optional<FileDamage> cluster(const Element& cluster, uint64_t& at) {
    const uint64_t end = cluster.size == kUnknown ? kUnknown : cluster.content + cluster.size;
    at = cluster.content;
    while (at < std::min(end, size_)) {
      if (++seen_ > kMaxElements) {
        at = kUnknown;
        return std::nullopt;
      }
      Element e;
      if (!element(at, e)) return bad(at);
      if (std::ranges::find(kInCluster, e.id) == kInCluster.end()) {
        if (end == kUnknown && std::ranges::find(kInSegment, e.id) != kInSegment.end()) return {};
        return bad(at);
      }
      if (e.size == kUnknown) return bad(at);
      if (e.size > size_ - e.content) return FileDamage{at, true};
      at = e.content + e.size;
    }
    if (end != kUnknown && end > size_) return FileDamage{size_, true};
    return std::nullopt;
  }

  bool element(uint64_t at, Element& out) const {
    std::array<unsigned char, 12> head{};
    if (at >= size_) return false;
    const size_t n = read_(at, head.data(), std::min<uint64_t>(head.size(), size_ - at));
    size_t id_size = 1;
    while (id_size <= 4 && (head[0] & (0x80 >> (id_size - 1))) == 0) ++id_size;
    if (id_size > 4 || n < id_size + 1) return false;
    out.id = 0;
    for (size_t i = 0; i < id_size; ++i) out.id = out.id << 8 | head[i];
    const unsigned char first = head[id_size];
    size_t length = 1;
    while (length <= 8 && (first & (0x80 >> (length - 1))) == 0) ++length;
    if (length > 8 || n < id_size + length) return false;
    uint64_t value = first & (0xFF >> length);
    bool ones = value == static_cast<uint64_t>(0xFF >> length);
    for (size_t i = 1; i < length; ++i) {
      value = value << 8 | head[id_size + i];
      ones = ones && head[id_size + i] == 0xFF;
    }
    out.content = at + id_size + length;
    out.size = ones ? kUnknown : value;
    if (out.content > size_) return false;
    return ones || value <= UINT64_MAX / 2;
  }

  const ReadAt& read_;
  uint64_t size_;
  uint64_t seen_ = 0;
};

}  // namespace

std::optional<FileDamage> find_ebml_damage(const ReadAt& read, uint64_t file_size) {
  return Walk(read, file_size).run();
}

}  // namespace casebox::recorder::internal
