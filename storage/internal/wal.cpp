#include "storage/internal/wal.h"

#include <algorithm>
#include <charconv>

#include "proto/base/file.h"
#include "proto/frame/frame.h"

namespace casebox::storage {
namespace {

constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
constexpr size_t kBatchHeader = 12;
constexpr size_t kLargest = size_t{2} << 30;  // of a log file; a flush comes long before

enum Type : uint8_t { kZero, kFull, kFirst, kMiddle, kLast };

uint32_t unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

bool zeros(BytesView bytes) { return bytes.find_first_not_of('\0') == BytesView::npos; }

void check(WalFile& file, BytesView bytes) {
  uint64_t next = 0;  // sequence number of the next batch; 0: not known yet
  Bytes begun;        // the header of a batch in pieces
  bool inside = false;
  size_t at = 0;
  const auto damaged = [&](std::string what, bool tail) {
    file.damage = std::move(what) + " at byte " + std::to_string(at);
    file.tail = tail;
  };
  while (at < bytes.size()) {
    const size_t left = kBlock - at % kBlock;
    if (left < kHeader) {  // too short for a header: filled with zeros
      const auto rest = bytes.substr(at, left);
      if (!zeros(rest)) return damaged("bytes where there are none", false);
      at += rest.size();
      if (!inside) file.whole = at;
      continue;
    }
    if (zeros(bytes.substr(at))) return inside ? damaged("a batch without its end", true) : void();
    if (bytes.size() - at < kHeader) return damaged("a cut record", true);
    const uint32_t crc = load_le<uint32_t>(bytes.data() + at);
    const uint16_t length = load_le<uint16_t>(bytes.data() + at + 4);
    const auto type = static_cast<uint8_t>(bytes[at + 6]);
    if (kHeader + length > left) return damaged("a record longer than its block", false);
    if (at + kHeader + length > bytes.size()) return damaged("a cut record", true);
    const auto body = bytes.substr(at + kHeader, length);
    if (type < kFull || type > kLast || (type == kFull || type == kFirst) == inside ||
        frame::crc32c(0, bytes.substr(at + 6, 1 + length)) != unmask(crc))
      return damaged("a damaged record", zeros(bytes.substr(at + kHeader + length)));
    begun.append(body.substr(0, kBatchHeader - std::min(begun.size(), kBatchHeader)));
    inside = type == kFirst || type == kMiddle;
    if (!inside) {
      if (begun.size() < kBatchHeader) return damaged("a record that is no batch", false);
      const auto sequence = load_le<uint64_t>(begun.data());
      if (next != 0 && sequence != next) {
        file.repeated = sequence < next;
        return damaged(file.repeated ? "a batch again" : "a hole between batches", false);
      }
      next = sequence + load_le<uint32_t>(begun.data() + 8);
      begun.clear();
    }
    at += kHeader + length;
    if (!inside) file.whole = at;
  }
  if (inside) damaged("a batch without its end", true);
}

}  // namespace

Result<std::vector<WalFile>> check_wal(const std::filesystem::path& db) {
  std::vector<WalFile> files;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(db, ec)) {
    if (entry.path().extension() != ".log") continue;
    const std::string stem = entry.path().stem().string();
    WalFile file;
    file.path = entry.path();
    const auto end = std::from_chars(stem.data(), stem.data() + stem.size(), file.number);
    if (end.ec == std::errc() && end.ptr == stem.data() + stem.size()) files.push_back(file);
  }
  std::sort(files.begin(), files.end(),
            [](const WalFile& a, const WalFile& b) { return a.number < b.number; });
  std::vector<WalFile> out;
  for (WalFile& file : files) {
    auto bytes = read_file(file.path, kLargest);
    if (!bytes && bytes.error().code == Code::kNotFound) continue;
    if (!bytes) return bytes.error();
    file.size = bytes->size();
    check(file, *bytes);
    out.push_back(std::move(file));
  }
  return out;
}

}  // namespace casebox::storage
