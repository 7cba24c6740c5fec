#include "recorder/sources/internal/vital_file.h"

#include <cmath>
#include <cstring>

namespace casebox::recorder::internal {
namespace {

constexpr uint32_t kMaxPacket = 1u << 20;
constexpr uint32_t kMaxPacked = 64u << 20;
constexpr size_t kMaxTracks = 4096;
constexpr size_t kMaxDevices = 1024;
constexpr uint32_t kMaxVitalText = 64u << 10;
constexpr size_t kMaxDamage = 100;

/// A field after the other; `ok` turns false when the packet ends too soon.
class Cursor {
 public:
  explicit Cursor(BytesView bytes) : rest_(bytes) {}

  template <typename T>
  T take(T otherwise = {}) {
    if (rest_.size() < sizeof(T)) {
      ok_ = false;
      return otherwise;
    }
    const T value = load_le<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  /// Optional trailing fields: keeps `ok` as it is.
  template <typename T>
  T maybe(T otherwise) {
    return rest_.size() < sizeof(T) ? otherwise : take<T>();
  }
  std::string text() {
    const auto size = take<uint32_t>();
    if (!ok_ || size > rest_.size() || size > kMaxVitalText) {
      ok_ = false;
      return "";
    }
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  bool skip(size_t n) {
    if (n > rest_.size()) ok_ = false;
    rest_.remove_prefix(std::min(n, rest_.size()));
    return ok_;
  }
  bool ok() const { return ok_; }
  BytesView rest() const { return rest_; }

 private:
  BytesView rest_;
  bool ok_ = true;
};

size_t sample_size(uint8_t format) {
  switch (format) {
    case 1:
    case 7:
    case 8: return 4;
    case 2: return 8;
    case 3:
    case 4: return 1;
    case 5:
    case 6: return 2;
    default: return 0;
  }
}

void read_sample(const char* at, uint8_t format, VitalRecord& into) {
  switch (format) {
    case 1: into.reals.push_back(static_cast<double>(load_le<float>(at))); break;
    case 2: into.reals.push_back(load_le<double>(at)); break;
    case 3: into.ints.push_back(load_le<int8_t>(at)); break;
    case 4: into.ints.push_back(load_le<uint8_t>(at)); break;
    case 5: into.ints.push_back(load_le<int16_t>(at)); break;
    case 6: into.ints.push_back(load_le<uint16_t>(at)); break;
    case 7: into.ints.push_back(load_le<int32_t>(at)); break;
    default: into.ints.push_back(load_le<uint32_t>(at)); break;
  }
}

/// A track in what is said of it: its number, since its name may be anything.
std::string numbered(uint16_t id) { return "track " + std::to_string(id); }

}  // namespace

Result<std::unique_ptr<VitalFile>> VitalFile::open(const std::string& file) {
  CASEBOX_TRY(auto reader, GzipReader::open(file));
  return begin(std::move(reader), file);
}

Result<std::unique_ptr<VitalFile>> VitalFile::over(Bytes bytes, const std::string& name) {
  return begin(GzipReader::over(std::move(bytes)), name);
}

Result<std::unique_ptr<VitalFile>> VitalFile::begin(std::unique_ptr<GzipReader> reader,
                                                    const std::string& name) {
  std::unique_ptr<VitalFile> file(new VitalFile);
  file->in_ = std::move(reader);
  Bytes head;
  file->in_->read(10, head);
  if (head.size() < 10 || !head.starts_with("VITA"))
    return Error{Code::kInvalidArgument,
                 name + ":0: does not begin as a .vital file; is this the file?"};
  const auto header_size = load_le<uint16_t>(head.data() + 8);
  file->in_->read(header_size, head);
  if (head.size() < header_size)
    return Error{Code::kInvalidArgument,
                 name + ":10: the file ends inside its header; copy it again"};
  file->packed_ = header_size >= 27 && head[26] == 1;
  return file;
}

void VitalFile::note(const std::string& reason) {
  if (damage_.size() < kMaxDamage) {
    damage_.push_back({packet_at_, reason});
  } else {
    ++bad_records_;
  }
}

bool VitalFile::lose(const std::string& reason, const VitalRecord& record) {
  note(reason);
  if (lost_.size() < kMaxTracks) lost_.push_back(record.track);
  return false;
}

void VitalFile::stop(const std::string& reason) {
  truncated_ = true;
  done_ = true;
  damage_.push_back({in_->file_offset(), reason});
}

void VitalFile::read_device(BytesView packet) {
  Cursor in(packet);
  const auto id = in.take<uint32_t>();
  const std::string type = in.text();
  std::string name = in.text();
  if (!in.ok() || devices_.size() >= kMaxDevices) return note("a device that cannot be read");
  devices_[id] = name.empty() ? type : std::move(name);
}

void VitalFile::read_track(BytesView packet) {
  Cursor in(packet);
  VitalTrack track;
  track.id = in.take<uint16_t>();
  const auto type = in.take<uint8_t>();
  track.format = in.take<uint8_t>();
  track.name = in.text();
  if (!in.ok() || track.name.empty()) return note("a track that cannot be read");
  if (!in.rest().empty()) track.unit = in.text();
  in.maybe<float>(0);  // least and greatest value to show, colour
  in.maybe<float>(0);
  in.maybe<uint32_t>(0);
  track.rate_hz = in.maybe<float>(0);
  track.gain = in.maybe<double>(1);
  track.offset = in.maybe<double>(0);
  track.monitor_type = in.maybe<uint8_t>(0);
  const auto device = in.maybe<uint32_t>(0);
  if (!in.ok()) return note(numbered(track.id) + " cannot be read");
  if (type != 1 && type != 2 && type != 5)
    return note(numbered(track.id) + " is of type " + std::to_string(type) +
                ", which this reader does not know");
  track.type = static_cast<VitalType>(type);
  if (type != 5 && sample_size(track.format) == 0)
    return note(numbered(track.id) + " has samples of form " + std::to_string(track.format) +
                ", which this reader does not know");
  if (type == 1 && !(track.rate_hz > 0 && track.rate_hz <= 1e6f))
    return note(numbered(track.id) + " has no sample rate");
  if (!std::isfinite(track.gain)) track.gain = 1;
  if (!std::isfinite(track.offset)) track.offset = 0;
  if (const auto found = devices_.find(device); found != devices_.end())
    track.device = found->second;
  if (tracks_.size() >= kMaxTracks && !tracks_.contains(track.id))
    return note("more than 4096 tracks");
  tracks_[track.id] = std::move(track);
}

bool VitalFile::read_record(BytesView packet, VitalRecord& record) {
  Cursor in(packet);
  const auto info = in.take<uint16_t>();
  record.time = in.take<double>();
  record.track = in.take<uint16_t>();
  if (!in.ok() || info < 10) return note("a record that ends too soon"), false;
  in.skip(info - 10u);
  const auto found = tracks_.find(record.track);
  if (found == tracks_.end()) return note("a record of a track the file does not describe"), false;
  const VitalTrack& track = found->second;
  // A time a calendar cannot have would become an overflow further on.
  if (!std::isfinite(record.time) || record.time < 0 || record.time > 8e9)
    return lose(numbered(track.id) + ": a record without a usable time", record);
  record.ints.clear();
  record.reals.clear();
  record.text.clear();
  if (track.type == VitalType::kText) {
    in.skip(4);
    record.text = in.text();
    if (!in.ok()) return lose(numbered(track.id) + ": a text that ends too soon", record);
    return true;
  }
  const size_t size = sample_size(track.format);
  uint32_t count = 1;
  if (track.type == VitalType::kWave) count = in.take<uint32_t>();
  if (!in.ok() || in.rest().size() < size * count)
    return lose(numbered(track.id) + ": a record shorter than it says", record);
  if (count == 0) return false;  // nothing in it, nothing lost
  for (uint32_t i = 0; i < count; ++i)
    read_sample(in.rest().data() + i * size, track.format, record);
  return true;
}

Result<bool> VitalFile::next(VitalRecord& record, bool& reset) {
  reset = false;
  while (!done_) {
    packet_at_ = in_->file_offset();
    in_->read(5, buffer_);
    if (buffer_.empty() && in_->trouble().empty()) {
      done_ = true;
      return false;
    }
    if (buffer_.size() < 5) {
      stop(in_->trouble().empty() ? "the file ends inside a packet" : in_->trouble());
      return false;
    }
    const auto type = static_cast<uint8_t>(buffer_[0]);
    const auto size = load_le<uint32_t>(buffer_.data() + 1);
    if (size > (packed_ ? kMaxPacked : kMaxPacket)) {
      stop("a packet of " + std::to_string(size) + " bytes; nothing behind it can be read");
      return false;
    }
    in_->read(size, buffer_);
    if (buffer_.size() < size) {
      stop(in_->trouble().empty() ? "the file ends inside a packet" : in_->trouble());
      return false;
    }
    switch (type) {
      case 0: read_track(buffer_); break;
      case 9: read_device(buffer_); break;
      case 1:
        if (read_record(buffer_, record)) return true;
        break;
      case 6:
        if (!buffer_.empty() && buffer_[0] == 6) {
          reset = true;
          return true;
        }
        break;
      default: break;  // raw device bytes and later additions: not part of the record
    }
  }
  return false;
}

}  // namespace casebox::recorder::internal
