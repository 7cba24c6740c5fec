#include "recorder/sim/feed.h"

namespace casebox::recorder::sim {

Result<std::unique_ptr<Feed>> Feed::open(const Options& options) {
  CASEBOX_TRY(auto room, Room::open(options));
  return std::unique_ptr<Feed>(new Feed(std::move(room)));
}

Result<bool> Feed::next(std::vector<Received>& out) {
  out.clear();
  if (finished_) return false;
  CASEBOX_TRY(const bool more, room_->next(packets_));
  if (more) {
    now_ = now_ + seconds(1);
    for (Packet& packet : packets_) receiver_.take(std::move(packet), out);
    return true;
  }
  // Each device's last word is how many items it has sent, so that a loss at the end is counted
  // too.
  finished_ = true;
  std::vector<uint64_t> sent;
  for (const SentCount& count : room_->counts()) sent.push_back(count.sent);
  receiver_.finish(sent, out);
  return !out.empty();
}

std::vector<v1::SourceClock> Feed::clocks() const {
  std::vector<v1::SourceClock> out;
  for (const auto& [id, tracker] : receiver_.clocks()) {
    v1::SourceClock& clock = out.emplace_back();
    clock.set_clock_id(id);
    clock.set_offset_ns(tracker.offset_ns());
    clock.set_broken(tracker.broken());
    clock.set_reset(tracker.resets() > 0);
    if (!tracker.broken()) clock.set_u95_ns(uint64_t{tracker.u95_us()} * 1000);
  }
  return out;
}

}  // namespace casebox::recorder::sim
