#include "recorder/sequencer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "proto/frame/frame.h"
#include "recorder/internal/sample_frame.h"

namespace casebox::recorder {
namespace {

constexpr int64_t kMinute = 60'000'000'000;

int64_t minute_of(CaseTime t) { return t.ns / kMinute - (t.ns % kMinute < 0 ? 1 : 0); }

/// Trouble that passes, as against a frame that can never be made.
bool passes(const Error& error) {
  return error.code == Code::kNoSpace || error.code == Code::kIo ||
         error.code == Code::kUnavailable;
}

/// Adds a gap to what was lost for its reason.
void note(std::vector<Loss>& losses, const v1::Gap& gap) {
  if (gap.origin() == v1::Gap::ORIGIN_POLICY || gap.origin() == v1::Gap::ORIGIN_OPERATOR) return;
  auto at = std::ranges::find(losses, gap.reason(), &Loss::reason);
  if (at == losses.end()) {
    Loss& fresh = losses.emplace_back();
    fresh.origin = gap.origin();
    fresh.reason = gap.reason();
    fresh.begin = CaseTime{gap.t_begin_ns()};
    at = std::prev(losses.end());
  }
  ++at->gaps;
  at->missing += gap.missing();
  at->unknown_gaps += gap.count_unknown() ? 1 : 0;
  at->begin = std::min(at->begin, CaseTime{gap.t_begin_ns()});
  at->end = std::max(at->end, CaseTime{gap.t_end_ns()});
}

uint64_t bytes_of(const Item& item) {
  if (const auto* fragment = std::get_if<Fragment>(&item.what))
    return fragment->media.cmaf().size();
  return 0;
}

}  // namespace

/// A finished frame that waits for the log: data, or a gap when there is no body.
struct Sequencer::Ready {
  producer::Data data;
  std::unique_ptr<google::protobuf::MessageLite> body;
  v1::Gap gap;
  bool dropped = false;                // a gap of dropped items, which may grow
  std::optional<v1::Consent> consent;  // that the frame before it tells
};

struct Sequencer::Lane {
  v1::Stream stream;
  StreamId id;
  int64_t tick = 0;
  internal::SampleFrame open;
  std::deque<Ready> ready;
  LaneCount count;
  std::vector<Loss> losses;
  uint64_t gap_numbers = 0;
  uint64_t ready_items = 0;  // received, waiting in `ready`
};

Sequencer::Sequencer(producer::Producer& producer, FrameLimits limits)
    : producer_(producer), limits_(limits) {}
Sequencer::~Sequencer() = default;

Result<size_t> Sequencer::add(v1::Stream stream) {
  CASEBOX_TRY(const StreamId id, producer_.add_stream(stream));
  auto lane = std::make_unique<Lane>();
  lane->id = id;
  lane->stream = std::move(stream);
  lane->stream.set_stream_id(id.value);
  lane->tick = internal::tick_ns(lane->stream);
  lanes_.push_back(std::move(lane));
  return lanes_.size() - 1;
}

Result<void> Sequencer::replace(size_t lane_index, v1::Stream stream) {
  Lane& lane = *lanes_[lane_index];
  close(lane);
  CASEBOX_CHECK(drain(lane));
  stream.set_stream_id(lane.id.value);
  CASEBOX_CHECK(producer_.add_stream(stream));
  lane.stream = std::move(stream);
  lane.tick = internal::tick_ns(lane.stream);
  return ok();
}

const v1::Stream& Sequencer::stream(size_t lane) const { return lanes_[lane]->stream; }

bool Sequencer::joins(const Lane& lane, const Item& item, const Samples&) const {
  const internal::SampleFrame& open = lane.open;
  if (open.samples() + item.count * static_cast<size_t>(lane.stream.channels_size()) >
      limits_.samples)
    return false;
  if (minute_of(open.t()) != minute_of(item.t)) return false;
  if (lane.tick == 0) {
    const int64_t span = (item.t - open.t()).ns;
    return item.count == 1 && span >= 0 && span < limits_.numeric_span.ns && item.t >= open.end();
  }
  if (std::abs((item.t - open.end()).ns) > lane.tick / 2) return false;
  return (open.end() - open.t()).ns + lane.tick * item.count <= limits_.wave_span.ns;
}

void Sequencer::extend(Lane& lane, const Item& item, Samples samples) {
  lane.open.append(item, std::move(samples), lane.stream);
}

void Sequencer::close(Lane& lane) {
  if (lane.open.empty()) return;
  Ready& ready = lane.ready.emplace_back();
  ready.data.stream = lane.id;
  ready.data.t = lane.open.t();
  ready.data.u95_us = lane.open.u95_us();
  ready.data.t_capture = lane.open.captured();
  ready.data.duration = lane.open.end() - lane.open.t();
  ready.data.count = lane.open.ticks();
  lane.ready_items += ready.data.count;
  ready.body = lane.open.take(lane.stream);
}

// One frame, or the parts of a single packet that is too large for one.
void Sequencer::split(Lane& lane, Item item) {
  Fragment& fragment = std::get<Fragment>(item.what);
  const uint32_t parts = fragment.media.cmaf().size() > frame::kMaxMediaPart ? item.count : 1;
  const Bytes whole = std::move(*fragment.media.mutable_cmaf());
  for (uint32_t part = 0; part < parts; ++part) {
    Ready& ready = lane.ready.emplace_back();
    ready.data.stream = lane.id;
    ready.data.t = item.t;
    ready.data.u95_us = item.u95_us;
    ready.data.t_capture = item.captured;
    ready.data.duration = item.duration;
    ready.data.count = parts == 1 ? item.count : 1;
    if (part == 0 && fragment.sync) ready.data.flags |= frame::flag::kSync;
    if (parts > 1 && part == 0) ready.data.flags |= frame::flag::kFirst;
    if (parts > 1 && part + 1 == parts) ready.data.flags |= frame::flag::kLast;
    auto body = std::make_unique<v1::MediaFragment>();
    if (part == 0) body->mutable_packets()->Swap(fragment.media.mutable_packets());
    body->set_cmaf(parts == 1 ? whole
                              : whole.substr(part * frame::kMaxMediaPart, frame::kMaxMediaPart));
    ready.body = std::move(body);
    lane.ready_items += ready.data.count;
  }
}

Result<void> Sequencer::put(size_t lane_index, Item item) {
  Lane& lane = *lanes_[lane_index];
  if (auto* gap = std::get_if<v1::Gap>(&item.what)) {
    close(lane);
    if (!gap->count_unknown() && gap->missing() == 0) return ok();
    Ready& ready = lane.ready.emplace_back();
    ready.gap = std::move(*gap);
    lane.count.received += ready.gap.missing();
    lane.ready_items += ready.gap.missing();
  } else {
    items_ += item.count;
    lane.count.received += item.count;
    if (auto* samples = std::get_if<Samples>(&item.what)) {
      if (!lane.open.empty() && !joins(lane, item, *samples)) close(lane);
      extend(lane, item, std::move(*samples));
    } else if (auto* event = std::get_if<v1::Event>(&item.what)) {
      Ready& ready = lane.ready.emplace_back();
      ready.data = {lane.id, item.t, item.u95_us, item.captured, item.duration, 1, 0};
      if (event->has_consent()) ready.consent = event->consent();
      auto batch = std::make_unique<v1::EventBatch>();
      *batch->add_events() = std::move(*event);
      ready.body = std::move(batch);
      lane.ready_items += 1;
    } else {
      split(lane, std::move(item));
    }
  }
  return blocked_ ? ok() : drain(lane);
}

Result<void> Sequencer::drop(size_t lane_index, const Item& item, v1::Gap::Origin origin,
                             const char* reason) {
  if (item.is_gap()) return put(lane_index, item);
  Lane& lane = *lanes_[lane_index];
  close(lane);
  lane.count.received += item.count;
  lane.ready_items += item.count;
  const CaseTime end = item.t + item.duration;
  if (lane.ready.empty() || !lane.ready.back().dropped ||
      lane.ready.back().gap.reason() != reason || lane.ready.back().gap.missing() > (1u << 30)) {
    Ready& ready = lane.ready.emplace_back();
    ready.dropped = true;
    ready.gap.set_origin(origin);
    ready.gap.set_reason(reason);
    ready.gap.set_t_begin_ns(item.t.ns);
    ready.gap.set_t_end_ns(end.ns);
  }
  v1::Gap& gap = lane.ready.back().gap;
  gap.set_missing(gap.missing() + item.count);
  gap.set_bytes(gap.bytes() + bytes_of(item));
  gap.set_t_end_ns(std::max(gap.t_end_ns(), end.ns));
  return ok();  // stays open, so that one gap tells of all that was dropped
}

Result<void> Sequencer::append(Lane& lane, Ready& ready) {
  if (ready.body == nullptr) {
    CASEBOX_CHECK(producer_.append_gap(lane.id, ready.gap));
    ++lane.count.gap_frames;
    note(lane.losses, ready.gap);
    if (ready.gap.count_unknown()) {
      ++lane.count.unknown_gaps;
      ++lane.gap_numbers;
    } else {
      lane.count.missing += ready.gap.missing();
      lane.gap_numbers += ready.gap.missing();
      lane.ready_items -= ready.gap.missing();
    }
    return ok();
  }
  if (ready.consent) {
    CASEBOX_CHECK(producer_.append_consent(*ready.consent, ready.data.t));
    ready.consent.reset();
  }
  CASEBOX_CHECK(producer_.append(ready.data, *ready.body));
  lane.count.stored += ready.data.count;
  lane.ready_items -= ready.data.count;
  urgent_ = urgent_ || lane.stream.stream_class() == v1::STREAM_CLASS_A;
  return ok();
}

Result<void> Sequencer::drain(Lane& lane) {
  while (!lane.ready.empty()) {
    Ready& ready = lane.ready.front();
    if (auto done = append(lane, ready); !done) {
      if (passes(done.error())) {
        blocked_ = true;
        return done;
      }
      if (ready.body == nullptr) return done;
      // A frame that cannot be made: its items are lost, and the stream says so.
      ready.gap.set_origin(v1::Gap::ORIGIN_UNKNOWN);
      ready.gap.set_reason("not-framed");
      ready.gap.set_missing(ready.data.count);
      ready.gap.set_t_begin_ns(ready.data.t.ns);
      ready.gap.set_t_end_ns((ready.data.t + ready.data.duration).ns);
      ready.body.reset();
      continue;
    }
    ++frames_;
    lane.ready.pop_front();
  }
  return ok();
}

Result<void> Sequencer::flush_due(CaseTime now) {
  for (auto& lane : lanes_)
    if (!lane->open.empty() && now - lane->open.opened() >= limits_.age) close(*lane);
  return retry();
}

Result<void> Sequencer::flush() {
  for (auto& lane : lanes_) close(*lane);
  return retry();
}

Result<void> Sequencer::retry() {
  for (auto& lane : lanes_) CASEBOX_CHECK(drain(*lane));
  blocked_ = false;
  return ok();
}

LaneCount Sequencer::count(size_t lane) const {
  LaneCount out = lanes_[lane]->count;
  out.in_ring = lanes_[lane]->open.ticks() + lanes_[lane]->ready_items;
  return out;
}

const std::vector<Loss>& Sequencer::losses(size_t lane) const { return lanes_[lane]->losses; }

bool Sequencer::balances() const {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    const Lane& lane = *lanes_[i];
    if (lane.stream.by_policy_absent()) continue;
    const LaneCount c = count(i);
    if (c.received != c.stored + c.missing + c.in_ring) return false;
    if (producer_.next_number(lane.id).value != c.stored + lane.gap_numbers) return false;
  }
  return true;
}

}  // namespace casebox::recorder
