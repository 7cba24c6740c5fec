#include "recorder/sim/receiver.h"

#include <algorithm>

namespace casebox::recorder::sim {
namespace {

constexpr Duration kPatience = milliseconds(3000);  // how long a hole may wait to be filled
constexpr Duration kSet = milliseconds(500);        // stamps of one clock are no further apart

}  // namespace

Receiver::Receiver(const std::vector<v1::Stream>& streams)
    : streams_(streams), links_(streams.size()) {
  for (const v1::Stream& stream : streams_) clocks_[stream.clock_id()];
}

void Receiver::take(Packet packet, std::vector<Received>& out) {
  const size_t stream = packet.stream;
  const uint64_t number = packet.number;
  const CaseTime now = packet.arrival;
  Link& link = links_[stream];
  const std::pair<uint64_t, bool> key{number, packet.count > 0};
  if (number < link.next || link.waiting.contains(key)) {
    ++link.duplicates;
  } else {
    // A packet that others have overtaken says nothing about the clock.
    const bool overtaken = !link.waiting.empty() && link.waiting.rbegin()->first > key;
    if (!overtaken)
      clocks_[streams_[stream].clock_id()].observe(packet.sent_src_ns, packet.arrival);
    Placed placed = place(std::move(packet));
    if (number == link.next) {
      deliver(stream, std::move(placed), out);
    } else {
      link.waiting.emplace(key, std::move(placed));
    }
  }
  release(stream, now, out);
}

void Receiver::release(size_t stream, CaseTime now, std::vector<Received>& out) {
  Link& link = links_[stream];
  while (!link.waiting.empty()) {
    auto first = link.waiting.begin();
    if (first->first.first > link.next) {
      if (now - first->second.packet.arrival < kPatience) return;
      missing(stream, first->first.first - link.next, first->second.t, out);
    }
    Placed placed = std::move(first->second);
    link.waiting.erase(first);
    deliver(stream, std::move(placed), out);
  }
}

bool Receiver::tiles(size_t stream) const {
  return streams_[stream].tick_rate_hz().num() > 0 ||
         streams_[stream].kind() == v1::STREAM_KIND_VIDEO;
}

CaseTime Receiver::end_of(const Received& item) const {
  if (const auto* picture = std::get_if<Picture>(&item.packet.what))
    return item.t + nanoseconds(picture->duration * 100'000 / 9);
  const auto& rate = streams_[item.stream].tick_rate_hz();
  if (rate.num() == 0) return item.t;
  return item.t + from_seconds(static_cast<double>(item.packet.count) *
                               static_cast<double>(rate.den()) / static_cast<double>(rate.num()));
}

void Receiver::absence(size_t stream, CaseTime until, CaseTime now, std::vector<Received>& out) {
  Link& link = links_[stream];
  link.away_until.reset();
  Received gap;
  gap.stream = stream;
  gap.t = link.last;
  gap.arrival = now;
  gap.is_gap = true;
  gap.gap.set_origin(v1::Gap::ORIGIN_SOURCE);
  gap.gap.set_reason("disconnected");
  gap.gap.set_count_unknown(true);
  gap.gap.set_t_begin_ns(link.last.ns);
  gap.gap.set_t_end_ns(std::max(link.last, until).ns);
  link.last = std::max(link.last, until);
  out.push_back(std::move(gap));
}

void Receiver::missing(size_t stream, uint64_t count, CaseTime end, std::vector<Received>& out) {
  Link& link = links_[stream];
  Received gap;
  gap.stream = stream;
  gap.t = link.last;
  gap.arrival = end;
  gap.is_gap = true;
  gap.gap.set_origin(v1::Gap::ORIGIN_TRANSPORT);
  gap.gap.set_reason("lost-packets");
  gap.gap.set_missing(count);
  gap.gap.set_t_begin_ns(link.last.ns);
  gap.gap.set_t_end_ns(std::max(link.last.ns, end.ns));
  link.next += count;
  link.last = std::max(link.last, end);
  out.push_back(std::move(gap));
}

Receiver::Placed Receiver::place(Packet packet) const {
  const v1::Stream& stream = streams_[packet.stream];
  const OneWayClock& clock = clocks_.at(stream.clock_id());
  const Duration made = nanoseconds(packet.sent_src_ns - packet.t_src_ns);
  Placed out{{}, clock.map(packet.t_src_ns), clock.u95_us()};
  const CaseTime sent = clock.map(packet.sent_src_ns);
  const bool sent_before = sent > packet.arrival + kSet || packet.arrival - sent > kPatience;
  Duration length = made;
  if (packet.count > 0) {
    const auto& rate = stream.tick_rate_hz();
    length = rate.num() > 0
                 ? from_seconds(static_cast<double>(packet.count - 1) *
                                static_cast<double>(rate.den()) / static_cast<double>(rate.num()))
                 : Duration{};
  }
  const bool made_across = made < Duration{} - kSet || made > length + kSet;
  if (sent_before || made_across)
    out.t = (sent_before ? packet.arrival : sent) - (made_across ? length : made);
  // It may have been under way for as long as others would have waited for it.
  if (sent_before) out.u95_us = std::max(out.u95_us, static_cast<uint32_t>(kPatience.ns / 1000));
  out.packet = std::move(packet);
  return out;
}

void Receiver::deliver(size_t stream, Placed placed, std::vector<Received>& out) {
  Link& link = links_[stream];
  Packet& packet = placed.packet;
  Received item;
  item.stream = stream;
  item.t = placed.t;
  item.u95_us = placed.u95_us;
  item.arrival = packet.arrival;
  link.next = packet.number + packet.count;
  if (const Away* away = std::get_if<Away>(&packet.what)) {
    // Of events nobody knows when the next one is due: they are away for as long as the device is.
    if (!tiles(stream)) link.last = std::max(link.last, item.t);
    if (!tiles(stream)) return absence(stream, away->until, item.arrival, out);
    link.away_until = away->until;
    return;
  }
  if (link.away_until) absence(stream, item.t, item.arrival, out);
  item.packet = std::move(packet);
  link.last = end_of(item);
  out.push_back(std::move(item));
}

void Receiver::finish(const std::vector<uint64_t>& sent, std::vector<Received>& out) {
  CaseTime end;
  for (const Link& link : links_) end = std::max(end, link.last);
  for (size_t i = 0; i < links_.size(); ++i) {
    for (auto& [key, placed] : links_[i].waiting) {
      if (key.first > links_[i].next) missing(i, key.first - links_[i].next, placed.t, out);
      deliver(i, std::move(placed), out);
    }
    links_[i].waiting.clear();
    if (links_[i].away_until) absence(i, std::max(*links_[i].away_until, end), end, out);
    if (sent[i] > links_[i].next) missing(i, sent[i] - links_[i].next, end, out);
  }
}

}  // namespace casebox::recorder::sim
