#include "storage/internal/commits.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "proto/frame/frame.h"

namespace casebox::storage {
namespace {

constexpr char kMagic[] = "CBCM";
constexpr uint16_t kVersion = 1;
constexpr size_t kSlotSize = 104;
constexpr off_t kSlotDistance = 4096;  // a block each

Bytes encode(const CommitMark& mark, const struct stat& file) {
  Bytes out(kSlotSize, '\0');
  char* at = out.data();
  std::memcpy(at, kMagic, 4);
  store_le(at + 4, kVersion);
  at[6] = mark.writing ? 1 : 0;
  store_le(at + 8, mark.serial);
  store_le(at + 16, mark.counter);
  store_le(at + 24, mark.ledger_records);
  std::memcpy(at + 32, mark.ledger_head.data(), mark.ledger_head.size());
  store_le(at + 64, static_cast<uint64_t>(file.st_ino));
  store_le(at + 72, static_cast<uint64_t>(file.st_dev));
  store_le(at + 80, static_cast<uint64_t>(::getpid()));
  store_le(at + 100, frame::crc32c(0, BytesView(out).substr(0, 100)));
  return out;
}

std::optional<CommitMark> decode(BytesView bytes, const struct stat& file) {
  const char* at = bytes.data();
  if (bytes.size() < kSlotSize || bytes.substr(0, 4) != kMagic ||
      load_le<uint16_t>(at + 4) != kVersion ||
      load_le<uint32_t>(at + 100) != frame::crc32c(0, bytes.substr(0, 100)))
    return std::nullopt;
  CommitMark mark;
  mark.writing = at[6] != 0;
  mark.serial = load_le<uint64_t>(at + 8);
  mark.counter = load_le<uint64_t>(at + 16);
  mark.ledger_records = load_le<uint64_t>(at + 24);
  std::memcpy(mark.ledger_head.data(), at + 32, mark.ledger_head.size());
  mark.copied =
      load_le<uint64_t>(at + 64) != file.st_ino || load_le<uint64_t>(at + 72) != file.st_dev;
  return mark;
}

Result<std::optional<CommitMark>> read_from(const Fd& fd, const std::filesystem::path& path) {
  struct stat file {};
  if (::fstat(fd.get(), &file) != 0) return errno_error(path, "looking at", errno);
  std::optional<CommitMark> newest;
  bool any = false;
  for (int slot = 0; slot < 2; ++slot) {
    Bytes bytes(kSlotSize, '\0');
    const auto n = ::pread(fd.get(), bytes.data(), bytes.size(), slot * kSlotDistance);
    if (n < 0) return errno_error(path, "reading", errno);
    bytes.resize(static_cast<size_t>(n));
    any = any || bytes.find_first_not_of('\0') != Bytes::npos;
    auto mark = decode(bytes, file);
    if (mark && (!newest || mark->serial > newest->serial)) newest = mark;
  }
  if (any && !newest)
    return Error{Code::kCorrupt,
                 path.string() +
                     ": neither of its slots can be read, so whether the newest commits "
                     "are there cannot be told; run casebox ingest to read them again "
                     "from logs or bus"};
  return newest;
}

}  // namespace

Result<std::unique_ptr<CommitFile>> CommitFile::lock(const std::filesystem::path& path,
                                                     std::chrono::milliseconds wait) {
  auto self = std::make_unique<CommitFile>();
  self->path_ = path;
  CASEBOX_TRY(self->fd_, Fd::open(path, O_RDWR | O_CREAT, 0600));
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (::flock(self->fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_error(path, "locking", errno);
    if (std::chrono::steady_clock::now() >= deadline)
      return Error{Code::kUnavailable, path.parent_path().string() +
                                           ": another program holds the store; stop it or ask it"};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return self;
}

Result<std::optional<CommitMark>> CommitFile::read(const std::filesystem::path& path) {
  auto fd = Fd::open(path, O_RDONLY);
  if (!fd && fd.error().code == Code::kNotFound) return std::optional<CommitMark>{};
  if (!fd) return fd.error();
  return read_from(*fd, path);
}

Result<std::optional<CommitMark>> CommitFile::read() const { return read_from(fd_, path_); }

Result<void> CommitFile::write(CommitMark mark, bool sync) {
  struct stat file {};
  if (::fstat(fd_.get(), &file) != 0) return errno_error(path_, "looking at", errno);
  if (serial_ == 0) {
    auto newest = read_from(fd_, path_);
    if (newest && *newest) serial_ = (*newest)->serial;
  }
  mark.serial = ++serial_;
  const Bytes bytes = encode(mark, file);
  const off_t at = static_cast<off_t>(mark.serial % 2) * kSlotDistance;
  const auto n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), at);
  if (n != static_cast<ssize_t>(bytes.size()))
    return errno_error(path_, "writing", n < 0 ? errno : ENOSPC);
  if (sync && ::fdatasync(fd_.get()) != 0) return errno_error(path_, "syncing", errno);
  return ok();
}

}  // namespace casebox::storage
