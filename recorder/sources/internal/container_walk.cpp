#include "recorder/sources/internal/container_walk.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "proto/base/bytes.h"

namespace casebox::recorder::internal {
namespace {

constexpr uint64_t kMaxPieces = 64u << 20;
constexpr uint32_t kNoSize = 0xFFFFFFFF;  // of a RIFF list that nobody finished

bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

class ContainerWalk {
 public:
  ContainerWalk(const ReadAt& read, uint64_t size) : read_(read), size_(size) {}

  std::optional<FileDamage> avi() {
    uint64_t at = 0;
    bool indexed = false, open = false;
    while (at + 12 <= size_) {
      if (!load(at, 12) || !is("RIFF") || (std::memcmp(&head_[8], "AVI", 3) != 0))
        return at == 0 ? std::nullopt : early_or_none(open, indexed);
      const uint32_t length = le(4);
      const bool unset = length == 0 || length == kNoSize;
      const uint64_t end = unset ? size_ : at + 8 + length;
      at += 12;
      open = open || unset;
      while (at + 8 <= std::min(end, size_)) {
        if (++pieces_ > kMaxPieces) return std::nullopt;
        if (!load(at, 12) || !printable()) return bad(at);
        indexed = indexed || is("idx1");
        const uint64_t list = le(4), after = at + 8 + list + (list & 1);
        if (is("LIST") && std::memcmp(&head_[8], "movi", 4) == 0) {
          const bool no_size = list == 0 || list == kNoSize;
          open = open || no_size;
          const uint64_t stop = no_size ? std::min(end, size_) : at + 8 + list;
          if (const auto damage = movie(at + 12, stop, no_size)) return damage;
          at = no_size ? at_ : after;
          continue;
        }
        if (after > size_ + 1) return FileDamage{size_, true};
        at = after;
      }
      if (!unset && end > size_) return FileDamage{size_, true};
      at = std::max(at, std::min(end + (end & 1), size_));
    }
    return early_or_none(open, indexed);
  }

  std::optional<FileDamage> fragments() {
    bool fragmented = false;
    for (uint64_t at = 0; at + 8 <= size_;) {
      if (++pieces_ > kMaxPieces || !load(at, 16)) return std::nullopt;
      if (!printable(4)) return fragmented ? bad(at) : std::nullopt;
      fragmented = fragmented || is("moof", 4);
      uint64_t length = be(0);
      if (length == 1) length = load_be<uint64_t>(reinterpret_cast<const char*>(&head_[8]));
      if (length == 0) return std::nullopt;  // up to the end
      if (length < 8) return fragmented ? bad(at) : std::nullopt;
      if (length > size_ - at)
        return fragmented ? std::optional(FileDamage{at, true}) : std::nullopt;
      at += length;
    }
    return std::nullopt;
  }

  /// Tags, each with its size once more behind it.
  std::optional<FileDamage> flv() {
    if (!load(0, 9) || std::memcmp(head_.data(), "FLV", 3) != 0) return std::nullopt;
    uint64_t at = uint64_t{be(5)} + 4;
    while (at < size_) {
      if (++pieces_ > kMaxPieces) return std::nullopt;
      if (size_ - at < 11 || !load(at, 11)) return FileDamage{at, true};
      const unsigned kind = head_[0] & 0x1F;
      const uint64_t length = be(0) & 0xFFFFFF, after = at + 11 + length;
      if (kind != 8 && kind != 9 && kind != 18) return bad(at);
      if (after + 4 > size_) return FileDamage{at, true};
      if (!load(after, 4) || be(0) != 11 + length) return bad(at);
      at = after + 4;
    }
    return std::nullopt;
  }

  /// Packs, system headers and packets of elementary streams.
  std::optional<FileDamage> program_stream() {
    if (!load(0, 4) || be(0) != 0x1BA) return std::nullopt;
    for (uint64_t at = 0; at + 4 <= size_;) {
      if (++pieces_ > kMaxPieces || !load(at, 14)) return std::nullopt;
      const uint32_t code = be(0);
      if (code >> 8 != 1 || (code & 0xFF) < 0xB9) return zeros_to_end(at) ? std::nullopt : bad(at);
      if (code == 0x1B9) {
        at += 4;
      } else if (code == 0x1BA) {
        const bool second = head_[4] >> 6 == 1;
        at += second ? 14 + (head_[13] & 7u) : 12;
      } else {
        at += 6 + (uint64_t{head_[4]} << 8 | head_[5]);
      }
      if (at > size_) return FileDamage{size_, true};
    }
    return std::nullopt;
  }

  /// Packets of one size; a last one that is shorter was cut off.
  std::optional<FileDamage> transport_stream() {
    for (const uint64_t unit : {188, 192, 204}) {
      const uint64_t lead = unit == 192 ? 4 : 0;
      const auto synced = [&](uint64_t packet) {
        return load(packet * unit, 8) && head_[lead] == 0x47;
      };
      const uint64_t whole = size_ / unit;
      if (whole < 4 || !synced(0) || !synced(1) || !synced(2) || !synced(whole - 1)) continue;
      if (size_ % unit > lead && synced(whole)) return FileDamage{whole * unit, true};
      return std::nullopt;
    }
    return std::nullopt;
  }

  bool lacks_index() {
    bool media = false;
    for (uint64_t at = 0; at + 8 <= size_;) {
      if (++pieces_ > kMaxPieces || !load(at, 16) || !printable(4)) break;
      if (is("moov", 4) || is("moof", 4)) return false;
      media = media || is("ftyp", 4) || is("mdat", 4) || is("wide", 4);
      uint64_t length = be(0);
      if (length == 1) length = load_be<uint64_t>(reinterpret_cast<const char*>(&head_[8]));
      if (length < 8 || length > size_ - at) break;
      at += length;
    }
    return media;
  }

 private:
  static std::optional<FileDamage> bad(uint64_t at) { return FileDamage{at, false}; }
  /// A file that nobody finished has neither sizes nor an index.
  std::optional<FileDamage> early_or_none(bool open, bool indexed) const {
    return open && !indexed ? std::optional(FileDamage{size_, true}) : std::nullopt;
  }

  /// The chunks of a movie list; at_: where it ended.
  std::optional<FileDamage> movie(uint64_t at, uint64_t stop, bool no_size) {
    while (at + 8 <= std::min(stop, size_)) {
      if (++pieces_ > kMaxPieces) return std::nullopt;
      if (!load(at, 12)) return bad(at);
      if (no_size && (is("idx1") || is("RIFF"))) break;
      const bool chunk =
          is_digit(head_[0]) && std::isxdigit(head_[1]) != 0 && std::isalpha(head_[2]) != 0;
      const bool index = head_[0] == 'i' && head_[1] == 'x' && is_digit(head_[2]);
      if (is("LIST") && std::memcmp(&head_[8], "rec ", 4) == 0) {
        at += 12;
        continue;
      }
      if (!chunk && !index && !is("JUNK") && !is("LIST")) return bad(at);
      const uint64_t length = le(4);
      if (length > size_ - at - 8) return FileDamage{at, true};
      at += 8 + length + (length & 1);
    }
    at_ = std::min(at, size_);
    if (!no_size && stop > size_) return FileDamage{size_, true};
    return std::nullopt;
  }

  /// A last pack is filled up so.
  bool zeros_to_end(uint64_t at) {
    std::array<unsigned char, 4096> piece{};
    if (size_ - at > 64 * piece.size()) return false;
    while (at < size_) {
      const size_t n = read_(at, piece.data(), std::min<uint64_t>(piece.size(), size_ - at));
      if (n == 0 || std::any_of(piece.begin(), piece.begin() + static_cast<ptrdiff_t>(n),
                                [](unsigned char c) { return c != 0; }))
        return false;
      at += n;
    }
    return true;
  }

  /// The next bytes into head_, zeros behind the end; false if there are none.
  bool load(uint64_t at, size_t n) {
    head_.fill(0);
    return at < size_ && read_(at, head_.data(), std::min<uint64_t>(n, size_ - at)) > 0;
  }
  bool is(const char* code, size_t from = 0) const {
    return std::memcmp(&head_[from], code, 4) == 0;
  }
  bool printable(size_t from = 0) const {
    return std::all_of(&head_[from], &head_[from] + 4,
                       [](unsigned char c) { return (c >= 0x20 && c < 0x7F) || c == 0xA9; });
  }
  uint32_t le(size_t from) const {
    return load_le<uint32_t>(reinterpret_cast<const char*>(&head_[from]));
  }
  uint32_t be(size_t from) const {
    return load_be<uint32_t>(reinterpret_cast<const char*>(&head_[from]));
  }

  const ReadAt& read_;
  uint64_t size_;
  uint64_t at_ = 0;
  uint64_t pieces_ = 0;
  std::array<unsigned char, 16> head_{};
};

}  // namespace

std::optional<FileDamage> find_container_damage(std::string_view format, const ReadAt& read,
                                                uint64_t file_size) {
  ContainerWalk walk(read, file_size);
  if (format == "avi") return walk.avi();
  if (format.starts_with("mov,")) return walk.fragments();
  if (format == "flv") return walk.flv();
  if (format == "mpeg") return walk.program_stream();
  if (format == "mpegts") return walk.transport_stream();
  return std::nullopt;
}

bool lacks_movie_index(const ReadAt& read, uint64_t file_size) {
  return ContainerWalk(read, file_size).lacks_index();
}

}  // namespace casebox::recorder::internal
