#include "recorder/sim/receiver.h"

#include <algorithm>

namespace casebox::recorder::sim {
namespace {

constexpr Duration kPatience = milliseconds(3000);  // how long a hole may wait to be filled

}  // namespace

Receiver::Receiver(const std::vector<v1::Stream>& streams)
    : streams_(streams), links_(streams.size()) {
  for (const v1::Stream& stream : streams_) clocks_[stream.clock_id()];
}

void Receiver::take(Packet packet, std::vector<Received>& out) {
  const size_t stream = packet.stream;
  const CaseTime now = packet.arrival;
  Link& link = links_[stream];
  const std::pair<uint64_t, bool> key{packet.number, packet.count > 0};
  if (packet.number < link.next || link.waiting.contains(key)) {
    ++link.duplicates;
  } else {
    // A packet that others have overtaken says nothing about the clock.
    const bool overtaken = !link.waiting.empty() && link.waiting.rbegin()->first > key;
    if (!overtaken)
      clocks_[streams_[stream].clock_id()].observe(packet.sent_src_ns, packet.arrival);
    if (packet.number == link.next) {
      deliver(stream, std::move(packet), out);
    } else {
      link.waiting.emplace(key, std::move(packet));
    }
  }
  release(stream, now, out);
}

void Receiver::release(size_t stream, CaseTime now, std::vector<Received>& out) {
  Link& link = links_[stream];
  while (!link.waiting.empty()) {
    auto first = link.waiting.begin();
    if (first->first.first > link.next) {
      if (now - first->second.arrival < kPatience) return;
      missing(stream, first->first.first - link.next,
              clocks_[streams_[stream].clock_id()].map(first->second.t_src_ns), out);
    }
    Packet packet = std::move(first->second);
    link.waiting.erase(first);
    deliver(stream, std::move(packet), out);
  }
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
  out.push_back(std::move(gap));
}

void Receiver::deliver(size_t stream, Packet packet, std::vector<Received>& out) {
  Link& link = links_[stream];
  const OneWayClock& clock = clocks_[streams_[stream].clock_id()];
  Received item;
  item.stream = stream;
  item.t = clock.map(packet.t_src_ns);
  item.u95_us = clock.u95_us();
  item.arrival = packet.arrival;
  link.next = packet.number + packet.count;
  if (const Away* away = std::get_if<Away>(&packet.what)) {
    item.is_gap = true;
    item.gap.set_origin(v1::Gap::ORIGIN_SOURCE);
    item.gap.set_reason("disconnected");
    item.gap.set_count_unknown(true);
    item.gap.set_t_begin_ns(item.t.ns);
    item.gap.set_t_end_ns(away->until.ns);
    link.last = away->until;
  } else {
    link.last = item.t;
    item.packet = std::move(packet);
  }
  out.push_back(std::move(item));
}

void Receiver::finish(const std::vector<uint64_t>& sent, std::vector<Received>& out) {
  CaseTime end;
  for (const Link& link : links_) end = std::max(end, link.last);
  for (size_t i = 0; i < links_.size(); ++i) {
    for (auto& [key, packet] : links_[i].waiting) {
      if (key.first > links_[i].next)
        missing(i, key.first - links_[i].next, clocks_[streams_[i].clock_id()].map(packet.t_src_ns),
                out);
      deliver(i, std::move(packet), out);
    }
    links_[i].waiting.clear();
    if (sent[i] > links_[i].next) missing(i, sent[i] - links_[i].next, end, out);
  }
}

}  // namespace casebox::recorder::sim
