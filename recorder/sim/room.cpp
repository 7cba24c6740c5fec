#include "recorder/sim/room.h"

#include <algorithm>
#include <cmath>

#include "recorder/sim/internal/twin_events.h"
#include "recorder/sim/random.h"
#include "recorder/sim/signals.h"
#include "recorder/sim/streams.h"
#include "recorder/sim/video.h"

namespace casebox::recorder::sim {
namespace {

int64_t to_ns(double t_s) { return static_cast<int64_t>(std::llround(t_s * 1e9)); }

/// The sending end of one stream.
struct Sender {
  std::unique_ptr<Signal> signal;
  std::unique_ptr<VideoMaker> video;
  Random random{0, ""};
  uint64_t tick = 0;    // of the signal's or the video's grid
  uint64_t number = 0;  // next item
  bool away = false;
  std::vector<Dropout> dropouts;
  std::vector<TimedEvent> events;  // of an event stream
  size_t next_event = 0;
  double loss = 0, duplicate = 0, reorder = 0;
};

}  // namespace

struct Room::Impl {
  explicit Impl(Plan p) : plan(std::move(p)), body(plan) {}

  Result<void> begin();
  Result<void> make_second(size_t stream);
  void make_block(size_t stream, double to);
  Result<void> make_pictures(size_t stream, double to);
  void send(size_t stream, Packet packet, double t_end);
  const Dropout* dropout_at(const Sender& sender, double t_s) const;

  Plan plan;
  Physiology body;
  std::vector<v1::Stream> streams;
  std::vector<Sender> senders;
  std::vector<SentCount> counts;
  TwinTruth twin;
  std::vector<Packet> pending;  // sent, not yet arrived
  int64_t second = 0;
};

Result<void> Room::Impl::begin() {
  streams = streams_of(plan);
  counts.resize(streams.size());
  senders.resize(streams.size());
  std::vector<TimedEvent> events = plan.events;
  for (TimedEvent& event : internal::twin_events(plan, body, twin))
    events.push_back(std::move(event));
  std::stable_sort(events.begin(), events.end(),
                   [](const TimedEvent& a, const TimedEvent& b) { return a.t_s < b.t_s; });
  for (size_t i = 0; i < streams.size(); ++i) {
    const std::string& name = streams[i].name();
    Sender& sender = senders[i];
    sender.random = Random(plan.options.seed, "link/" + name);
    sender.signal = make_signal(name, plan, body);
    for (const Dropout& dropout : plan.dropouts)
      if (dropout.stream == name) sender.dropouts.push_back(dropout);
    for (const Transport& transport : plan.transports) {
      if (transport.stream != name) continue;
      sender.loss += transport.loss;
      sender.duplicate += transport.duplicate;
      sender.reorder += transport.reorder;
    }
    if (streams[i].kind() == v1::STREAM_KIND_VIDEO) {
      const View view = name == "scope.video" ? View::kScope : View::kRoom;
      CASEBOX_TRY(sender.video, VideoMaker::open(plan, view));
      sender.video->describe(*streams[i].mutable_media());
    }
  }
  for (TimedEvent& event : events)
    senders[static_cast<size_t>(index_of(streams, event.stream))].events.push_back(
        std::move(event));
  return ok();
}

const Dropout* Room::Impl::dropout_at(const Sender& sender, double t_s) const {
  for (const Dropout& dropout : sender.dropouts)
    if (t_s >= dropout.start_s && t_s < dropout.end_s) return &dropout;
  return nullptr;
}

// Numbers, counts and delivers a packet, unless the device is off or the transport loses it.
void Room::Impl::send(size_t stream, Packet packet, double t_end) {
  Sender& sender = senders[stream];
  const DeviceClock& clock = plan.clocks[streams[stream].clock_id() - 1];
  packet.stream = stream;
  packet.arrival = CaseTime{to_ns(t_end + .002 + sender.random.exponential(.003))};
  packet.t_src_ns = clock.read_ns(packet.t.ns);
  packet.sent_src_ns = clock.read_ns(to_ns(t_end));
  const Dropout* dropout = dropout_at(sender, packet.t.seconds());
  if (dropout && !dropout->count_known) {
    if (!sender.away) {
      sender.away = true;
      ++counts[stream].away;
      packet.number = sender.number;
      packet.count = 0;
      packet.what = Away{CaseTime{to_ns(dropout->end_s)}};
      pending.push_back(std::move(packet));
    }
    return;
  }
  sender.away = false;
  packet.number = sender.number;
  sender.number += packet.count;
  counts[stream].sent += packet.count;
  const bool lost = sender.random.chance(sender.loss);
  const bool twice = sender.random.chance(sender.duplicate);
  const bool late = sender.random.chance(sender.reorder);
  if (lost || dropout) {
    counts[stream].lost += packet.count;
    return;
  }
  if (late) {
    packet.arrival = packet.arrival + milliseconds(1300);
    ++counts[stream].reordered;
  }
  if (twice) {
    Packet again = packet;
    again.arrival = again.arrival + milliseconds(400);
    ++counts[stream].duplicated;
    pending.push_back(std::move(again));
  }
  pending.push_back(std::move(packet));
}

void Room::Impl::make_block(size_t stream, double to) {
  Sender& sender = senders[stream];
  const v1::Stream& spec = streams[stream];
  const double interval = static_cast<double>(spec.tick_rate_hz().den()) /
                          static_cast<double>(spec.tick_rate_hz().num());
  const auto channels = static_cast<size_t>(spec.channels_size());
  std::vector<double> scale;
  for (const v1::Channel& channel : spec.channels())
    scale.push_back(std::pow(10, channel.decimals()));
  Block block;
  block.channels.resize(channels);
  std::vector<double> values(channels);
  Packet packet;
  packet.t = CaseTime{to_ns(static_cast<double>(sender.tick) * interval)};
  packet.count = 0;
  double t = static_cast<double>(sender.tick) * interval;
  double last = t;
  for (; t < to; t = static_cast<double>(++sender.tick) * interval) {
    sender.signal->sample(t, values.data());
    for (size_t c = 0; c < channels; ++c)
      block.channels[c].push_back(std::llround(values[c] * scale[c]));
    ++packet.count;
    last = t;
  }
  if (packet.count == 0) return;
  packet.what = std::move(block);
  send(stream, std::move(packet), last);
}

Result<void> Room::Impl::make_pictures(size_t stream, double to) {
  Sender& sender = senders[stream];
  for (;; ++sender.tick) {
    const double t = static_cast<double>(sender.tick) / kVideoRate;
    if (t >= to) return ok();
    Packet packet;
    packet.t = CaseTime{to_ns(t)};
    CASEBOX_TRY(Picture picture, sender.video->make(sender.tick));
    packet.what = std::move(picture);
    send(stream, std::move(packet), t);
  }
}

Result<void> Room::Impl::make_second(size_t stream) {
  Sender& sender = senders[stream];
  const double to = std::min(static_cast<double>(second) + 1, plan.duration_s);
  if (sender.signal) make_block(stream, to);
  if (sender.video) CASEBOX_CHECK(make_pictures(stream, to));
  const DeviceClock& clock = plan.clocks[streams[stream].clock_id() - 1];
  for (; sender.next_event < sender.events.size() && sender.events[sender.next_event].t_s < to;
       ++sender.next_event) {
    const TimedEvent& event = sender.events[sender.next_event];
    Packet packet;
    packet.t = CaseTime{to_ns(event.t_s)};
    v1::Event body_of = event.event;
    body_of.set_t_src(clock.read_ns(packet.t.ns));
    body_of.set_t_src_known(true);
    packet.what = std::move(body_of);
    send(stream, std::move(packet), event.t_s);
  }
  return ok();
}

Room::Room() = default;
Room::~Room() = default;

Result<std::unique_ptr<Room>> Room::open(const Options& options) {
  CASEBOX_TRY(Plan plan, make_plan(options));
  std::unique_ptr<Room> room(new Room);
  room->impl_ = std::make_unique<Impl>(std::move(plan));
  CASEBOX_CHECK(room->impl_->begin());
  return room;
}

const Plan& Room::plan() const { return impl_->plan; }
const Physiology& Room::body() const { return impl_->body; }
const std::vector<v1::Stream>& Room::streams() const { return impl_->streams; }
const std::vector<SentCount>& Room::counts() const { return impl_->counts; }
const TwinTruth& Room::twin() const { return impl_->twin; }

Result<bool> Room::next(std::vector<Packet>& out) {
  out.clear();
  Impl& impl = *impl_;
  const bool made_all = static_cast<double>(impl.second) >= impl.plan.duration_s;
  if (made_all && impl.pending.empty()) return false;
  if (!made_all)
    for (size_t i = 0; i < impl.streams.size(); ++i) CASEBOX_CHECK(impl.make_second(i));
  ++impl.second;
  const CaseTime until{impl.second * 1'000'000'000};
  std::stable_sort(impl.pending.begin(), impl.pending.end(),
                   [](const Packet& a, const Packet& b) { return a.arrival < b.arrival; });
  auto end = std::find_if(impl.pending.begin(), impl.pending.end(),
                          [&](const Packet& p) { return p.arrival >= until; });
  std::move(impl.pending.begin(), end, std::back_inserter(out));
  impl.pending.erase(impl.pending.begin(), end);
  return true;
}

}  // namespace casebox::recorder::sim
