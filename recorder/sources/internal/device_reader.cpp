#include "recorder/sources/internal/device_reader.h"

#include <utility>

extern "C" {
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr std::chrono::seconds kPatience(8);      // with a device that sends nothing
constexpr std::chrono::milliseconds kDrain(200);  // for what has arrived before a stop
constexpr Duration kWaited = milliseconds(3);     // what takes longer to read was not there yet
constexpr size_t kMostEarly = 1024;

}  // namespace

DeviceReader::~DeviceReader() {
  for (AVPacket* waiting : early_) av_packet_free(&waiting);
}

bool DeviceReader::interrupted() {
  if (opening != nullptr && opening->load()) return true;
  const auto now = std::chrono::steady_clock::now();
  if (!stopping->load()) return live && now - waits_since_ > kPatience;
  if (!stop_by_) stop_by_ = now + kDrain;
  return !live || now >= *stop_by_;
}

std::optional<std::pair<int64_t, CaseTime>> DeviceReader::prime(
    AVFormatContext* format, AVPacket* packet,
    const std::function<std::optional<int64_t>(const AVPacket&)>& stamp,
    const std::function<CaseTime()>& now) {
  std::optional<std::pair<int64_t, CaseTime>> least;
  for (CaseTime before = now(); early_.size() < kMostEarly; before = now()) {
    waits_since_ = std::chrono::steady_clock::now();
    early_end_ = av_read_frame(format, packet);
    if (early_end_ < 0) break;
    const CaseTime came = now();
    if (const auto at = stamp(*packet);
        at && (!least || came.ns - *at < least->second.ns - least->first))
      least.emplace(*at, came);
    early_.push_back(av_packet_clone(packet));
    av_packet_unref(packet);
    if (came - before > kWaited) break;  // this one has just come
  }
  return least;
}

int DeviceReader::read(AVFormatContext* format, AVPacket* packet) {
  early_packet_ = !early_.empty();
  if (!early_packet_) {
    if (early_end_ < 0) return std::exchange(early_end_, 0);
    waits_since_ = std::chrono::steady_clock::now();
    return av_read_frame(format, packet);
  }
  av_packet_move_ref(packet, early_.front());
  av_packet_free(&early_.front());
  early_.pop_front();
  return 0;
}

}  // namespace casebox::recorder::internal
