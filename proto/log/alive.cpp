#include "proto/log/alive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proto/frame/frame.h"

namespace casebox::log {
namespace {

constexpr char kMagic[9] = "CBALIVE1";
constexpr size_t kSlot = 64;  // 8 magic, 8 sequence, 8 epoch, 8 at, 8 until, 16 boot, 4 zero, 4 CRC
constexpr const char* kName = "alive";

template <typename T>
void put(Bytes& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T get(BytesView bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

Result<Alive> Alive::open(const std::filesystem::path& dir) {
  const auto path = dir / kName;
  CASEBOX_TRY(Fd fd, Fd::open(path, O_RDWR | O_CREAT | O_TRUNC));
  return Alive(std::move(fd), path);
}

Result<void> Alive::mark(const AliveMark& mark) {
  Bytes slot(kMagic, 8);
  put(slot, ++sequence_);
  put(slot, mark.epoch.value);
  put(slot, mark.at.ns);
  put(slot, mark.until.ns);
  slot.append(reinterpret_cast<const char*>(mark.boot.data()), mark.boot.size());
  put(slot, uint32_t{0});
  put(slot, frame::crc32c(0, slot));
  const auto at = static_cast<off_t>((sequence_ % 2) * kSlot);
  if (::pwrite(fd_.get(), slot.data(), slot.size(), at) != static_cast<ssize_t>(slot.size()))
    return errno_error(path_, "write", errno);
  return ok();
}

void Alive::remove(const std::filesystem::path& dir) {
  std::error_code ignored;
  std::filesystem::remove(dir / kName, ignored);
}

std::optional<AliveMark> Alive::read(const std::filesystem::path& dir) {
  const auto bytes = read_file(dir / kName, 1024);
  if (!bytes) return std::nullopt;
  std::optional<AliveMark> newest;
  uint64_t sequence = 0;
  for (size_t at = 0; at + kSlot <= bytes->size(); at += kSlot) {
    const BytesView slot = BytesView(*bytes).substr(at, kSlot);
    if (slot.substr(0, 8) != BytesView(kMagic, 8)) continue;
    if (frame::crc32c(0, slot.substr(0, kSlot - 4)) != get<uint32_t>(slot, kSlot - 4)) continue;
    if (newest && get<uint64_t>(slot, 8) < sequence) continue;
    sequence = get<uint64_t>(slot, 8);
    AliveMark mark{Epoch{get<uint64_t>(slot, 16)},
                   CaseTime{get<int64_t>(slot, 24)},
                   CaseTime{get<int64_t>(slot, 32)},
                   {}};
    std::memcpy(mark.boot.data(), slot.data() + 40, mark.boot.size());
    newest = mark;
  }
  return newest;
}

}  // namespace casebox::log
