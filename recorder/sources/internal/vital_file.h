#pragma once

// The packets of a .vital file (VitalRecorder's format description, version 3): tracks, devices and
// records, read forward with bounds.
//
// Limits: a packet 1 MiB (64 MiB in packed files), 4,096 tracks, names and texts 64 KiB.
// Thread safety: one thread.
// Errors: open() kInvalidArgument for a file that is no .vital; damage further on ends or skips
// records and is told by damage().

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "recorder/sources/internal/gzip_reader.h"

namespace casebox::recorder::internal {

enum class VitalType : uint8_t { kWave = 1, kNumeric = 2, kText = 5 };

struct VitalTrack {
  uint16_t id = 0;
  VitalType type = VitalType::kWave;
  uint8_t format = 0;  // 1 f32, 2 f64, 3 i8, 4 u8, 5 i16, 6 u16, 7 i32, 8 u32
  std::string name;    // this, unit and device as the file has them, in whatever encoding
  std::string unit;
  float rate_hz = 0;
  double gain = 1;
  double offset = 0;
  uint8_t monitor_type = 0;
  std::string device;  // name of the device, "" if none
};

/// One record, as the file has it.
struct VitalRecord {
  uint16_t track = 0;
  double time = 0;            // seconds since 1970, UTC
  std::vector<int64_t> ints;  // samples of integer formats
  std::vector<double> reals;  // of formats 1 and 2
  std::string text;           // of a text track
};

struct VitalDamage {
  uint64_t offset = 0;  // in the file
  std::string reason;
};

class VitalFile {
 public:
  static Result<std::unique_ptr<VitalFile>> open(const std::string& file);
  static Result<std::unique_ptr<VitalFile>> over(Bytes bytes, const std::string& name);

  /// What came next: a record, or a reset of the event list (`reset`); false at the end or at
  /// damage that nothing behind can be read from.
  Result<bool> next(VitalRecord& record, bool& reset);

  const std::map<uint16_t, VitalTrack>& tracks() const { return tracks_; }
  const std::vector<VitalDamage>& damage() const { return damage_; }
  /// Records that could not be read, beyond the ones damage() lists.
  uint64_t bad_records() const { return bad_records_; }
  /// Tracks of the records that could not be read since the last call.
  std::vector<uint16_t> take_lost() { return std::exchange(lost_, {}); }
  /// The file ended before its end, or nothing behind a place could be read.
  bool truncated() const { return truncated_; }
  /// Each track stands as a whole, one behind the other.
  bool packed() const { return packed_; }

 private:
  static Result<std::unique_ptr<VitalFile>> begin(std::unique_ptr<GzipReader> reader,
                                                  const std::string& name);
  void read_track(BytesView packet);
  void read_device(BytesView packet);
  bool read_record(BytesView packet, VitalRecord& record);
  void note(const std::string& reason);
  bool lose(const std::string& reason, const VitalRecord& record);
  void stop(const std::string& reason);

  std::unique_ptr<GzipReader> in_;
  std::map<uint16_t, VitalTrack> tracks_;
  std::map<uint32_t, std::string> devices_;
  std::vector<VitalDamage> damage_;
  std::vector<uint16_t> lost_;
  uint64_t bad_records_ = 0;
  uint64_t packet_at_ = 0;
  bool packed_ = false;
  bool truncated_ = false;
  bool done_ = false;
  Bytes buffer_;
};

}  // namespace casebox::recorder::internal
