#include "recorder/sources/internal/fragmenter.h"

#include <algorithm>

#include "proto/frame/frame.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxBytes = 700 << 10;
constexpr size_t kMaxPackets = 1024;

}  // namespace

uint32_t item_count(const v1::MediaFragment& media) {
  if (media.cmaf().size() <= frame::kMaxMediaPart)
    return static_cast<uint32_t>(std::max(1, media.packets_size()));
  return static_cast<uint32_t>((media.cmaf().size() + frame::kMaxMediaPart - 1) /
                               frame::kMaxMediaPart);
}

Result<void> Fragmenter::add(TimedPacket packet, uint32_t u95_us, std::vector<Item>& out) {
  if (!times_.empty()) {
    const bool cut = (video_ && packet.packet.key) ||
                     packet.packet.hidden != times_.front().packet.hidden ||
                     packet.decode - times_.front().decode >= longest_ ||
                     packet.decode < times_.front().decode ||
                     muxer_->pending_bytes() + packet.packet.data.size() > kMaxBytes ||
                     times_.size() >= kMaxPackets;
    if (cut) CASEBOX_CHECK(flush(out));
  }
  if (times_.empty()) u95_us_ = u95_us;
  CASEBOX_CHECK(muxer_->add(packet.packet));
  packet.packet.data.clear();
  times_.push_back(std::move(packet));
  return ok();
}

Result<void> Fragmenter::flush(std::vector<Item>& out) {
  if (times_.empty()) return ok();
  const auto times = std::move(times_);
  times_.clear();
  CASEBOX_TRY(Fragment fragment, muxer_->close());
  Item item;
  item.stream = stream_;
  item.t = std::max(times.front().decode, last_);  // a clock set back must not mix the order
  last_ = item.t;
  item.u95_us = u95_us_;
  CaseTime end = item.t;
  for (size_t i = 0; i < times.size(); ++i) {
    fragment.media.mutable_packets(static_cast<int>(i))->set_dt_ns((times[i].present - item.t).ns);
    end = std::max({end, times[i].present + times[i].duration, times[i].decode});
    item.arrival = std::max(item.arrival, times[i].arrival);
  }
  item.duration = end - item.t;
  item.count = item_count(fragment.media);
  end_ = end;
  item.what = std::move(fragment);
  out.push_back(std::move(item));
  return ok();
}

}  // namespace casebox::recorder::internal
