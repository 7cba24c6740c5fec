#include "recorder/disk_ladder.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

namespace casebox::recorder {
namespace {

constexpr uint64_t kReserve = 256u << 20;
constexpr uint32_t kLargestFile = 128u << 20;
constexpr uint32_t kSmallestFile = 1u << 20;

}  // namespace

const char* shed_by(DiskLevel level) {
  return level == DiskLevel::kNoWaves   ? "video, waves and numerics"
         : level == DiskLevel::kNoVideo ? "video"
                                        : "";
}

DiskLadder::DiskLadder(std::filesystem::path dir)
    : dir_(std::move(dir)), reserve_(dir_ / "reserve") {
  look();
}

DiskLadder::~DiskLadder() { give_up_reserve(); }

DiskLevel DiskLadder::look() {
  struct statvfs disk {};
  if (statvfs(dir_.c_str(), &disk) != 0 || disk.f_blocks == 0) return level_ = DiskLevel::kFine;
  total_ = uint64_t{disk.f_blocks} * disk.f_frsize;
  const uint64_t free_bytes = uint64_t{disk.f_bavail} * disk.f_frsize;
  reserve_bytes_ = std::min(kReserve, total_ / 32);
  make_reserve(free_bytes);
  const uint64_t of_100 = (free_bytes + (reserved_ ? reserve_bytes_ : 0)) * 100 / total_;
  level_ = of_100 < 2    ? DiskLevel::kNoWaves
           : of_100 < 5  ? DiskLevel::kNoVideo
           : of_100 < 15 ? DiskLevel::kWarn
                         : DiskLevel::kFine;
  return level_;
}

void DiskLadder::make_reserve(uint64_t free_bytes) {
  if (reserved_ || free_bytes < 4 * reserve_bytes_) return;
  const int fd = open(reserve_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return;
  reserved_ = posix_fallocate(fd, 0, static_cast<off_t>(reserve_bytes_)) == 0;
  close(fd);
  if (!reserved_) unlink(reserve_.c_str());
}

void DiskLadder::give_up_reserve() {
  if (!reserved_) return;
  unlink(reserve_.c_str());
  reserved_ = false;
}

uint32_t DiskLadder::log_file_size() const {
  if (total_ == 0) return kLargestFile;
  const uint64_t part = total_ / 16;
  return static_cast<uint32_t>(std::clamp<uint64_t>(part, kSmallestFile, kLargestFile));
}

}  // namespace casebox::recorder
