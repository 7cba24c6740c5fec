#include "proto/log/internal/durable.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "proto/frame/frame.h"
#include "proto/log/internal/layout.h"

namespace casebox::log::internal {
namespace {

constexpr size_t kSlot = 32;
constexpr BytesView kMagic{"CBDURAB1", 8};

// magic[8] sequence[8] file[4] byte[4] zero[4] crc[4]
Bytes encode_slot(uint64_t sequence, Offset offset) {
  Bytes out(kMagic);
  out.resize(kSlot);
  store_le<uint64_t>(out.data() + 8, sequence);
  store_le<uint32_t>(out.data() + 16, offset.file);
  store_le<uint32_t>(out.data() + 20, offset.byte);
  store_le<uint32_t>(out.data() + 28, frame::crc32c(0, BytesView(out).substr(0, 28)));
  return out;
}

bool whole(BytesView slot) {
  return slot.size() == kSlot && slot.substr(0, 8) == kMagic &&
         load_le<uint32_t>(slot.data() + 28) == frame::crc32c(0, slot.substr(0, 28));
}

}  // namespace

Result<Durable> Durable::open(const std::filesystem::path& dir, bool write) {
  const std::filesystem::path path = dir / kDurableName;
  CASEBOX_TRY(Fd fd, Fd::open(path, write ? O_RDWR | O_CREAT : O_RDONLY));
  CASEBOX_TRY(const uint64_t size, size_of(fd, path));
  if (write && size < 2 * kSlot) {
    // Its space is taken once, so that a full disk cannot stop an offset from being published.
    const int failed = ::posix_fallocate(fd.get(), 0, 2 * kSlot);
    if (failed != 0 && failed != EOPNOTSUPP && failed != EINVAL)
      return errno_error(path, "preallocate", failed);
    CASEBOX_CHECK(sync_directory(dir));
  }
  return Durable(std::move(fd), path);
}

Result<std::optional<Offset>> Durable::load() {
  CASEBOX_TRY(const Bytes bytes, read_at(fd_, 0, 2 * kSlot, path_));
  for (size_t at = 0; at + kSlot <= bytes.size(); at += kSlot) {
    const BytesView slot = BytesView(bytes).substr(at, kSlot);
    if (!whole(slot)) continue;
    const auto sequence = load_le<uint64_t>(slot.data() + 8);
    if (newest_ && sequence <= sequence_) continue;
    sequence_ = sequence;
    newest_ = Offset{load_le<uint32_t>(slot.data() + 16), load_le<uint32_t>(slot.data() + 20)};
  }
  if (!newest_ && bytes.find_first_not_of('\0') != Bytes::npos)
    return Error{Code::kCorrupt,
                 path_.string() + ": damaged; run casebox recover " + path_.parent_path().string()};
  return newest_;
}

Result<void> Durable::store(Offset offset) {
  if (newest_ && offset <= *newest_) return ok();
  const Bytes slot = encode_slot(sequence_ + 1, offset);
  const off_t at = static_cast<off_t>(((sequence_ + 1) % 2) * kSlot);
  ssize_t n = 0;
  do {
    n = ::pwrite(fd_.get(), slot.data(), slot.size(), at);
  } while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(slot.size()))
    return errno_error(path_, "write", n < 0 ? errno : ENOSPC);
  ++sequence_;
  newest_ = offset;
  return ok();
}

}  // namespace casebox::log::internal

namespace casebox::log {

Result<std::optional<Offset>> durable_offset(const std::filesystem::path& dir) {
  CASEBOX_TRY(auto durable, internal::Durable::open(dir, false));
  return durable.load();
}

}  // namespace casebox::log
