#include "recorder/sources/internal/device_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <utility>

#include "recorder/sources/internal/media_input.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int kPipeLooks = 50, kPipeLookMs = 20;
constexpr size_t kMostEarly = 1024;
constexpr Duration kWaited = milliseconds(3);     // what takes longer to read was not there yet
constexpr std::chrono::seconds kPatience(8);      // with a device that sends nothing
constexpr std::chrono::milliseconds kDrain(200);  // for what has arrived before a stop

}  // namespace

DeviceReader::~DeviceReader() {
  for (AVPacket* waiting : early_) av_packet_free(&waiting);
}

std::string DeviceReader::reason(int error) {
  if (error == AVERROR_EXIT)
    return "nothing has come for " + std::to_string(kPatience.count()) + " s";
  return av_reason(error);
}

Result<void> DeviceReader::wait_for_writer(const std::string& url) {
  struct stat info {};
  if (!live || stat(url.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) return ok();
  CASEBOX_TRY(writer_, Fd::open(url, O_RDONLY | O_NONBLOCK));
  pollfd waited{writer_.get(), POLLIN, 0};
  for (int i = 0; i < kPipeLooks && !interrupted(); ++i)
    if (::poll(&waited, 1, kPipeLookMs) > 0 && (waited.revents & POLLIN) != 0) return ok();
  return Error{Code::kUnavailable, url + ": nobody writes into the pipe; is the device on?"};
}

void DeviceReader::opened() {
  opening_stopped = nullptr;
  writer_.reset();
}

// What an opening has looked at comes all at once. The one of it that was least delayed tells where
// the device's clock stands, and so when the others came.
void DeviceReader::prime(AVFormatContext& format, AVPacket& packet, OneWayClock& clock) {
  primed_ = true;
  std::optional<std::pair<int64_t, CaseTime>> least;
  for (CaseTime before = now(); early_.size() < kMostEarly; before = now()) {
    waits_since_ = std::chrono::steady_clock::now();
    early_end_ = av_read_frame(&format, &packet);
    if (early_end_ < 0) break;
    const CaseTime at = now();
    const auto decode = decode_of(packet);
    if (decode && (!least || at.ns - *decode < least->second.ns - least->first))
      least.emplace(*decode, at);
    early_.push_back(av_packet_clone(&packet));
    av_packet_unref(&packet);
    if (at - before > kWaited) break;  // this one has just come
  }
  if (least) clock.observe(least->first, least->second);
}

int DeviceReader::read(AVFormatContext& format, AVPacket& packet, OneWayClock& clock) {
  if (live && !primed_) prime(format, packet, clock);
  observed_ = !early_.empty();
  if (!observed_) {
    if (early_end_ < 0) return std::exchange(early_end_, 0);
    waits_since_ = std::chrono::steady_clock::now();
    return av_read_frame(&format, &packet);
  }
  av_packet_move_ref(&packet, early_.front());
  av_packet_free(&early_.front());
  early_.pop_front();
  return 0;
}

bool DeviceReader::interrupted() {
  if (opening_stopped != nullptr && opening_stopped->load()) return true;
  const auto at = std::chrono::steady_clock::now();
  if (!stopped->load()) return live && at - waits_since_ > kPatience;
  if (!stop_by_) stop_by_ = at + kDrain;
  return !live || at >= *stop_by_;
}

Error not_opened(const std::string& url, bool live, int error) {
  const std::string why = DeviceReader::reason(error);
  if (live) return {Code::kUnavailable, url + ": " + why + "; is the device on?"};
  if (error == AVERROR(ENOENT)) return {Code::kNotFound, url + ": no such file; check the path"};
  return {Code::kInvalidArgument,
          url + ":0: cannot be read as video or audio: " + why +
              "; if it plays elsewhere, ffmpeg -i FILE -c copy NEW.mp4 makes one that is read"};
}

}  // namespace casebox::recorder::internal
