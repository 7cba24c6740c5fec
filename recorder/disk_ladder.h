#pragma once

// What a filling disk still takes (RECORDER: "Disk ladder"): below 15 % free it warns, below 5 %
// video becomes a gap, below 2 % waves too. A reserve file beside the log is given up when the disk
// is full, so that events and the record of the losses still fit; it is made again once there is
// room.
//
// Thread safety: one thread.
// Errors: none; a disk that cannot be asked counts as fine, since only writing can tell.

#include <cstdint>
#include <filesystem>

namespace casebox::recorder {

enum class DiskLevel { kFine, kWarn, kNoVideo, kNoWaves };

/// What is not recorded at a level, for people: "video", ...; empty: all is.
const char* shed_by(DiskLevel level);

class DiskLadder {
 public:
  explicit DiskLadder(std::filesystem::path dir);
  ~DiskLadder();

  /// Looks at the disk; makes the reserve again when there is room for it.
  DiskLevel look();
  DiskLevel level() const { return level_; }
  /// The disk is full: gives up the reserve.
  void give_up_reserve();
  /// Size for the log's preallocated files: a sixteenth of a small disk.
  uint32_t log_file_size() const;

 private:
  void make_reserve(uint64_t free_bytes);

  std::filesystem::path dir_;
  std::filesystem::path reserve_;
  uint64_t total_ = 0;
  uint64_t reserve_bytes_ = 0;
  bool reserved_ = false;
  DiskLevel level_ = DiskLevel::kFine;
};

}  // namespace casebox::recorder
