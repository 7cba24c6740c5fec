#include "recorder/clock/one_way_clock.h"

#include <algorithm>
#include <cstdlib>

namespace casebox::recorder {
namespace {

constexpr int64_t kJump = 500'000'000;  // a clock that moved so far was set
constexpr int64_t kResetMemory = 180'000'000'000;
constexpr size_t kResetsOfABroken = 3;  // within kResetMemory
constexpr size_t kWindow = 16;
constexpr Duration kWindowLength = seconds(60);  // 80 ppm are 5 ms in it
constexpr size_t kFew = 6;

}  // namespace

void OneWayClock::observe(int64_t sent_src_ns, CaseTime arrival) {
  const int64_t offset = arrival.ns - sent_src_ns;
  if (!window_.empty() && std::abs(offset - offset_ns_) > kJump) {
    window_.clear();
    ++resets_;
    reset_times_.push_back(arrival.ns);
    while (arrival.ns - reset_times_.front() > kResetMemory) reset_times_.pop_front();
    broken_ = broken_ || reset_times_.size() >= kResetsOfABroken;
  }
  window_.push_back({offset, arrival});
  while (window_.size() > kWindow || arrival - window_.front().arrival > kWindowLength)
    window_.pop_front();
  offset_ns_ = std::ranges::min(window_, {}, &Sighting::offset_ns).offset_ns;
}

// The envelope holds the least transport delay, which nothing can tell from an offset (some
// milliseconds), and the drift over the window; few sightings may all have been slow.
uint32_t OneWayClock::u95_us() const {
  if (broken_) return 0xFFFFFFFFu;
  const auto coarse = static_cast<uint32_t>(std::clamp<int64_t>(quantum_.ns / 2000, 0, 1 << 30));
  return (window_.size() < kFew ? 30'000u : 10'000u) + coarse;
}

}  // namespace casebox::recorder
