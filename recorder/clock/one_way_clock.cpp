#include "recorder/clock/one_way_clock.h"

#include <algorithm>

namespace casebox::recorder {
namespace {

constexpr int64_t kJump = 500'000'000;  // a clock that moved so far was set
constexpr int64_t kResetMemory = 180'000'000'000;
constexpr size_t kResetsOfABroken = 3;  // within kResetMemory
constexpr size_t kWindow = 16;
constexpr Duration kWindowLength = seconds(60);  // 80 ppm are 5 ms in it
constexpr size_t kFew = 6;
// What lasts no longer, or is seen no more often, may be delay.
constexpr Duration kLongestDelay = seconds(3);
constexpr uint32_t kSeen = 3;

}  // namespace

void OneWayClock::set(CaseTime arrival) {
  ++resets_;
  reset_times_.push_back(arrival.ns);
  while (arrival.ns - reset_times_.front() > kResetMemory) reset_times_.pop_front();
  broken_ = broken_ || reset_times_.size() >= kResetsOfABroken;
}

// True while `late` and those before it may have been delayed. What is later than any delay is
// placed by its arrival, else it would lie far back in the case.
bool OneWayClock::may_be_delay(const Sighting& late) {
  late_.push_back(late);
  if (late_.size() >= kSeen && late.arrival - late_.front().arrival >= kLongestDelay) return false;
  const int64_t other = std::ranges::min(late_, {}, &Sighting::offset_ns).offset_ns;
  doubt_ns_ = other - envelope_ns_;
  offset_ns_ = doubt_ns_ <= kLongestDelay.ns ? envelope_ns_ : other;
  return true;
}

void OneWayClock::observe(int64_t sent_src_ns, CaseTime arrival) {
  const Sighting now{arrival.ns - sent_src_ns, arrival};
  if (window_.empty() || now.offset_ns < envelope_ns_ - kJump) {
    // A few sightings before may have been the late ones.
    if (seen_ >= kSeen) set(arrival);
    window_ = {now};
    seen_ = 1;
  } else if (now.offset_ns > envelope_ns_ + kJump) {
    if (may_be_delay(now)) return;
    set(arrival);
    window_ = std::move(late_);
    seen_ = static_cast<uint32_t>(window_.size());
  } else {
    window_.push_back(now);
    ++seen_;
  }
  late_.clear();
  doubt_ns_ = 0;
  while (window_.size() > kWindow || arrival - window_.front().arrival > kWindowLength)
    window_.pop_front();
  offset_ns_ = envelope_ns_ = std::ranges::min(window_, {}, &Sighting::offset_ns).offset_ns;
}

// The envelope holds the least transport delay, which nothing can tell from an offset (some
// milliseconds), and the drift over the window; few sightings may all have been slow.
uint32_t OneWayClock::u95_us() const {
  if (broken_) return 0xFFFFFFFFu;
  const int64_t base = window_.size() < kFew ? 30'000 : 10'000;
  const int64_t coarse = std::clamp<int64_t>(quantum_.ns / 2000, 0, 1 << 30);
  return static_cast<uint32_t>(std::min<int64_t>(base + coarse + doubt_ns_ / 1000, 0xFFFFFFFFu));
}

}  // namespace casebox::recorder
